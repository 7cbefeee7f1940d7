// Grafana's heatmap is not among its npm packages: a stand-in that draws the same cells, with the
// dashboard's colours, on Grafana's own axes.
import { AxisPlacement, ScaleDirection, ScaleOrientation } from '@grafana/schema';
import { UPlotChart, UPlotConfigBuilder } from '@grafana/ui';
import * as chromatic from 'd3-scale-chromatic';
import { useMemo } from 'react';

import { dots } from './exemplars.js';

/** A row for each bucket, the lowest at the bottom; darker or brighter is more. */
export function Heatmap({ panel, frame, exemplars, range, theme, width, height }) {
  const config = useMemo(() => build(panel, frame, exemplars, range, theme), [frame, theme]);
  const times = frame.fields[0].values;
  return (
    <UPlotChart
      config={config}
      data={[times, times.map(() => null)]}
      width={width}
      height={height}
    />
  );
}

function build(panel, frame, exemplars, range, theme) {
  const builder = new UPlotConfigBuilder('utc');
  const [time, ...rows] = frame.fields;
  builder.setPrepData(([frame]) => [
    frame.fields[0].values,
    frame.fields[0].values.map(() => null),
  ]);
  builder.addScale({
    scaleKey: 'x',
    isTime: true,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: () => [range.from.valueOf(), range.to.valueOf()],
  });
  builder.addScale({
    scaleKey: 'y',
    orientation: ScaleOrientation.Vertical,
    direction: ScaleDirection.Up,
    range: () => [-0.5, rows.length - 0.5],
  });
  builder.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, theme });
  builder.addAxis({
    scaleKey: 'y',
    placement: AxisPlacement.Left,
    theme,
    grid: { show: false },
    size: 12 + 7 * Math.max(...rows.map(({ name }) => name.length)),
    splits: () => rows.map((_, index) => index),
    // As Grafana: not more labels than there is room for.
    values: (plot) => {
      const every = Math.ceil((rows.length * 14) / (plot.bbox.height / devicePixelRatio));
      return rows.map((row, index) => (index % every ? '' : row.name));
    },
  });
  builder.addSeries({ scaleKey: 'y', theme, drawStyle: 'points', show: true });
  builder.addHook('draw', (plot) => {
    cells(plot, panel.options, time.values, rows, theme);
    dots(plot, exemplars, panel.options.exemplars.color, ({ value }) => {
      const at = rows.findIndex(({ name }) => value <= (name === '+Inf' ? Infinity : Number(name)));
      return at;
    });
  });
  return builder;
}

function cells(plot, options, times, rows, theme) {
  const { scheme, steps } = options.color;
  const most = Math.max(...rows.flatMap(({ values }) => values));
  const step = Math.min(...times.slice(1).map((time, index) => time - times[index]));
  const paint = chromatic[`interpolate${scheme}`];
  const { ctx } = plot;
  ctx.save();
  rows.forEach(({ values }, row) =>
    values.forEach((count, column) => {
      if (count <= options.filterValues.le) return;
      const share = Math.round((count / most) * (steps - 1)) / (steps - 1);
      ctx.fillStyle = paint(theme.isDark ? 1 - share : share);
      const [left, right] = [times[column] - step, times[column]].map((time) =>
        plot.valToPos(time, 'x', true)
      );
      const [bottom, top] = [row - 0.5, row + 0.5].map((at) => plot.valToPos(at, 'y', true));
      const gap = options.cellGap;
      ctx.fillRect(left, top, Math.max(1, right - left - gap), Math.max(1, bottom - top - gap));
    })
  );
  ctx.restore();
}
