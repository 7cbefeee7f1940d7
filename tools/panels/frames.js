// What Grafana's Prometheus data source makes of an answer: data frames, legends filled in.
import { FieldType, createDataFrame } from '@grafana/data';

const number = (text) => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text));

/** Fill the labels into a legend; without one, name the series as Prometheus writes it. */
function legend(template, labels) {
  if (template) return template.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name) => labels[name] ?? name);
  const { __name__: metric = '', ...others } = labels;
  const pairs = Object.entries(others).map(([name, value]) => `${name}="${value}"`);
  return pairs.length ? `${metric}{${pairs.join(', ')}}` : metric || 'Value';
}

/** One frame for each series of one query. Instant answers have one sample. */
function series(target, answer) {
  return answer.result.map(({ metric, value, values }) => {
    const samples = values ?? [value];
    const displayNameFromDS = legend(target.legendFormat, metric);
    return createDataFrame({
      refId: target.refId,
      name: displayNameFromDS,
      fields: [
        { name: 'Time', type: FieldType.time, values: samples.map(([time]) => time * 1000) },
        {
          name: 'Value',
          type: FieldType.number,
          labels: metric,
          config: { displayNameFromDS },
          // A graph leaves a gap where there is no number.
          values: samples.map(([, text]) => (values && !isFinite(text) ? null : number(text))),
        },
      ],
    });
  });
}

/** One frame for one query: a row for each series, a column for each label. */
function table(target, answer, several) {
  const names = [...new Set(answer.result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const column = (name, type, value) => ({ name, type, values: answer.result.map(value) });
  return createDataFrame({
    refId: target.refId,
    fields: [
      column('Time', FieldType.time, ({ value }) => value[0] * 1000),
      ...names.map((name) => column(name, FieldType.string, ({ metric }) => metric[name])),
      column(several ? `Value #${target.refId}` : 'Value', FieldType.number, ({ value }) =>
        number(value[1])
      ),
    ],
  });
}

/** One frame for one query over `le`: a field for each bucket, what lower ones hold taken off. */
function buckets(target, answer) {
  const sorted = [...answer.result].sort((a, b) => number(a.metric.le) - number(b.metric.le));
  const times = [...new Set(sorted.flatMap(({ values }) => values.map(([time]) => time)))].sort(
    (a, b) => a - b
  );
  const cumulated = sorted.map(({ values }) => {
    const at = new Map(values);
    return times.map((time) => number(at.get(time) ?? '0'));
  });
  return createDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: times.map((time) => time * 1000) },
      ...sorted.map(({ metric }, index) => ({
        name: legend(target.legendFormat, metric),
        type: FieldType.number,
        values: cumulated[index].map((count, at) =>
          Math.max(0, count - (index ? cumulated[index - 1][at] : 0))
        ),
      })),
    ],
  });
}

/** All frames of a panel, one answer for each of its targets. */
export function frames(panel, answers) {
  return panel.targets.flatMap((target, index) => {
    const named = { ...target, refId: target.refId ?? String.fromCharCode(65 + index) };
    const answer = answers[index];
    if (target.format === 'table') return [table(named, answer, panel.targets.length > 1)];
    if (target.format === 'heatmap') return [buckets(named, answer)];
    return series(named, answer);
  });
}
