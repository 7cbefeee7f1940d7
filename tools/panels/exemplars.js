// Grafana draws exemplars in a part of it that is no npm package: a stand-in for its diamonds.

/** Draw a diamond at each exemplar; `height` says at which value of the y axis. */
export function dots(plot, exemplars, color, height) {
  const { ctx, bbox } = plot;
  const size = 4 * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = color;
  for (const exemplar of exemplars) {
    const x = plot.valToPos(exemplar.time, 'x', true);
    const y = plot.valToPos(height(exemplar), plot.axes[1].scale, true);
    ctx.beginPath();
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + size);
    ctx.lineTo(x - size, y);
    ctx.fill();
  }
  ctx.restore();
}
