// The field options that dashboards may set, as Grafana registers them; and what unset ones are.
import {
  FieldColorModeId,
  FieldConfigOptionsRegistry,
  ThresholdsMode,
  applyFieldOverrides,
  cacheFieldDisplayNames,
  displayNameOverrideProcessor,
  identityOverrideProcessor,
  numberOverrideProcessor,
  standardTransformers,
  standardTransformersRegistry,
  stringOverrideProcessor,
  thresholdsOverrideProcessor,
  transformDataFrame,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
} from '@grafana/data';
import { firstValueFrom } from 'rxjs';

const item = (path, process, more) => ({
  id: path,
  path,
  name: path,
  process,
  shouldApply: () => true,
  settings: {},
  editor: () => null,
  override: () => null,
  ...more,
});
const custom = (path) =>
  item(path, identityOverrideProcessor, { id: `custom.${path}`, isCustom: true });

const registry = new FieldConfigOptionsRegistry(() => [
  item('unit', unitOverrideProcessor),
  item('min', numberOverrideProcessor),
  item('max', numberOverrideProcessor),
  item('decimals', numberOverrideProcessor),
  item('noValue', stringOverrideProcessor),
  item('displayName', displayNameOverrideProcessor),
  item('color', identityOverrideProcessor),
  item('thresholds', thresholdsOverrideProcessor),
  item('mappings', valueMappingsOverrideProcessor),
  ...[
    'align',
    'axisGridShow',
    'axisPlacement',
    'cellOptions',
    'drawStyle',
    'fillOpacity',
    'gradientMode',
    'lineInterpolation',
    'lineWidth',
    'minWidth',
    'pointSize',
    'scaleDistribution',
    'showPoints',
    'spanNulls',
    'stacking',
    'thresholdsStyle',
    'width',
  ].map(custom),
]);

standardTransformersRegistry.setInit(() =>
  [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer].map(
    (transformer) => ({
      id: transformer.id,
      name: transformer.name,
      transformation: async () => transformer,
    })
  )
);

// What the panels' plugins take where a dashboard says nothing.
const TIME_SERIES = {
  axisGridShow: true,
  axisPlacement: 'auto',
  drawStyle: 'line',
  fillOpacity: 0,
  gradientMode: 'none',
  lineInterpolation: 'linear',
  lineWidth: 1,
  pointSize: 5,
  showPoints: 'auto',
  spanNulls: false,
  stacking: { mode: 'none', group: 'A' },
  thresholdsStyle: { mode: 'off' },
};
const COLOR = {
  stat: FieldColorModeId.Thresholds,
  bargauge: FieldColorModeId.Thresholds,
  table: FieldColorModeId.Thresholds,
};

/** A panel's frames after its transformations, each field with its options and its format. */
export async function prepared(panel, frames, theme) {
  const same = (text) => text;
  const transformed = await firstValueFrom(
    transformDataFrame(panel.transformations ?? [], frames, { interpolate: same })
  );
  const { defaults, overrides } = panel.fieldConfig;
  const formatted = applyFieldOverrides({
    data: transformed,
    theme,
    timeZone: 'utc',
    replaceVariables: same,
    fieldConfigRegistry: registry,
    fieldConfig: {
      overrides: overrides ?? [],
      defaults: {
        color: { mode: COLOR[panel.type] ?? FieldColorModeId.PaletteClassic },
        thresholds: {
          mode: ThresholdsMode.Absolute,
          steps: [
            { value: -Infinity, color: 'green' },
            { value: 80, color: 'red' },
          ],
        },
        ...defaults,
        custom:
          panel.type === 'timeseries' ? { ...TIME_SERIES, ...defaults.custom } : defaults.custom,
      },
    },
  });
  cacheFieldDisplayNames(formatted);
  return formatted;
}
