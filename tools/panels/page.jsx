// A page that draws a dashboard with Grafana's own components: window.draw(what is to be drawn).
import {
  FieldType,
  ThemeContext,
  VizOrientation,
  createTheme,
  dateTime,
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
} from '@grafana/data';
import {
  BigValue,
  BarGauge,
  GlobalStyles,
  PanelChrome,
  TimeSeries,
  VizRepeater,
} from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { createRoot } from 'react-dom/client';

import { dots } from './exemplars.js';
import { prepared } from './fields.js';
import { frames } from './frames.js';
import { Heatmap } from './heatmap.jsx';

// Grafana's grid: 24 columns, rows of 30 pixels, 8 between.
const COLUMNS = 24;
const ROW = 30;
const GAP = 8;
const EXEMPLAR = 'rgba(255, 0, 255, 0.7)';
const DIAGRAMS = { timeseries: Graph, stat: Stat, bargauge: Bars, heatmap: Cells, table: Rows };

/** Draw a dashboard; resolves once it is there. */
window.draw = async ({ dashboard, answers, exemplars, from, to, width, mode }) => {
  const theme = createTheme({ colors: { mode } });
  const range = { from: dateTime(from), to: dateTime(to), raw: { from: 'now-1h', to: 'now' } };
  const rows = dashboard.panels.filter(({ type }) => type === 'row');
  const shown = dashboard.panels.filter(({ type }) => type !== 'row');
  const panels = await Promise.all(
    shown.map(async (panel) => ({
      panel,
      exemplars: exemplars[panel.id] ?? [],
      frames: await prepared(panel, frames(panel, answers[panel.id]), theme),
    }))
  );
  const unknown = panels.filter(({ panel }) => !(panel.type in DIAGRAMS));
  if (unknown.length) throw new Error(`no way to draw ${unknown.map(({ panel }) => panel.type)}`);
  const board = <Board {...{ dashboard, rows, panels, range, theme, width }} />;
  createRoot(document.getElementById('board')).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      {board}
    </ThemeContext.Provider>
  );
};

function Board({ dashboard, rows, panels, range, theme, width }) {
  const column = (width + GAP) / COLUMNS;
  const bottom = Math.max(...panels.map(({ panel: { gridPos } }) => (gridPos.y ?? 0) + gridPos.h));
  return (
    <div
      style={{ padding: GAP, width: width + 2 * GAP, background: theme.colors.background.canvas }}
    >
      <h4>{dashboard.title}</h4>
      <div style={{ position: 'relative', height: bottom * (ROW + GAP) }}>
        {rows.map(({ id, title, gridPos }) => (
          <h5 key={id} style={{ position: 'absolute', top: gridPos.y * (ROW + GAP) }}>
            {title}
          </h5>
        ))}
        {panels.map(({ panel, ...data }) => {
          const { x = 0, y = 0, w, h } = panel.gridPos;
          const place = { position: 'absolute', left: x * column, top: y * (ROW + GAP) };
          const Diagram = DIAGRAMS[panel.type];
          return (
            <div key={panel.id} data-panel={panel.title} style={place}>
              <PanelChrome
                title={panel.title}
                description={panel.description}
                width={w * column - GAP}
                height={h * (ROW + GAP) - GAP}
              >
                {(width, height) =>
                  data.frames.length || panel.type === 'stat' ? (
                    <Diagram {...{ panel, range, theme, width, height, ...data }} />
                  ) : (
                    <div data-empty>{panel.fieldConfig.defaults.noValue ?? 'No data'}</div>
                  )
                }
              </PanelChrome>
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Graph({ panel, frames, exemplars, range, width, height }) {
  return (
    <TimeSeries
      frames={frames}
      timeRange={range}
      timeZone="utc"
      legend={panel.options.legend}
      width={width}
      height={height}
    >
      {(builder) => {
        builder.addHook('draw', (plot) => dots(plot, exemplars, EXEMPLAR, ({ value }) => value));
      }}
    </TimeSeries>
  );
}

function displayed(panel, frames, theme) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig,
    reduceOptions: panel.options?.reduceOptions ?? { calcs: ['lastNotNull'] },
    replaceVariables: (text) => text,
    theme,
    data: frames,
    timeZone: 'utc',
  });
}

function Stat({ panel, frames, theme, width, height }) {
  const [{ display }] = displayed(panel, frames, theme);
  return (
    <BigValue
      value={display}
      colorMode="value"
      graphMode="none"
      justifyMode="auto"
      textMode="auto"
      count={1}
      {...{ theme, width, height }}
    />
  );
}

function Bars({ panel, frames, theme, width, height }) {
  const { options } = panel;
  return (
    <VizRepeater
      source={frames}
      getValues={() => displayed(panel, frames, theme)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderCounter={0}
      orientation={options.orientation}
      minVizWidth={options.minVizWidth}
      minVizHeight={options.minVizHeight}
      maxVizHeight={options.maxVizHeight}
      itemSpacing={10}
      width={width}
      height={height}
      renderValue={({ value, width, height, orientation, alignmentFactors }) => (
        <BarGauge
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex)}
          orientation={orientation ?? VizOrientation.Horizontal}
          displayMode={options.displayMode}
          showUnfilled={options.showUnfilled}
          valueDisplayMode={options.valueMode}
          namePlacement={options.namePlacement}
          alignmentFactors={alignmentFactors}
          itemSpacing={10}
          lcdCellWidth={12}
          {...{ theme, width, height }}
        />
      )}
    />
  );
}

function Cells({ panel, frames: [frame], exemplars, range, theme, width, height }) {
  return <Heatmap {...{ panel, frame, exemplars, range, theme, width, height }} />;
}

function Rows({ panel, frames: [frame], range, width, height }) {
  const shown = { ...frame, fields: frame.fields.filter(({ type }) => type !== FieldType.other) };
  return (
    <TableNG
      data={shown}
      timeRange={range}
      fieldConfig={panel.fieldConfig}
      cellHeight="sm"
      {...{ width, height }}
    />
  );
}
