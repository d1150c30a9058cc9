import { formatDecimal, formatTime, formatTimeWithSeconds, text } from "./texts.client.js";

const HEIGHT = 150;
const PX_FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** @typedef {{ atMs: number, temperature: number, humidity: number }} Reading */

/** @param {string} name a custom property of the style sheet */
function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * Room to breathe round the values, so that a change of 0.1 does not look like an earthquake.
 * @param {number} least the smallest span of the axis
 */
function spanOf(least) {
  return (
    /** @type {unknown} */ _plot,
    /** @type {number | null} */ low,
    /** @type {number | null} */ high,
  ) => {
    if (low === null || high === null) {
      return [0, least];
    }
    const missing = Math.max(0, least - (high - low)) / 2;
    return [Math.floor(low - missing - 0.2), Math.ceil(high + missing + 0.2)];
  };
}

/** The last minutes of one room as two lines: temperature solid, humidity dashed. */
export class Chart {
  /** @type {HTMLElement} */ #parent;
  /** @type {any} */ #plot;
  /** @type {Reading[]} */ #readings = [];
  #historyMs = 600_000;
  #nowMs = 0;
  /** @type {ResizeObserver} */ #resizes;

  /** @param {HTMLElement} parent */
  constructor(parent) {
    this.#parent = parent;
    this.#resizes = new ResizeObserver(() => this.#fit());
    this.#resizes.observe(parent);
  }

  /**
   * @param {Reading[]} readings oldest first
   * @param {number} historyMs
   * @param {number} nowMs
   */
  draw(readings, historyMs, nowMs) {
    this.#readings = readings;
    this.#historyMs = historyMs;
    this.#nowMs = nowMs;
    if (readings.length < 2) {
      return;
    }
    this.#plot ??= this.#make();
    this.#plot.setData(this.#columns());
    this.#parent.setAttribute("aria-label", this.#label());
  }

  /** Takes the colours of the scheme anew. */
  repaint() {
    this.#plot?.destroy();
    this.#plot = undefined;
    this.draw(this.#readings, this.#historyMs, this.#nowMs);
  }

  close() {
    this.#resizes.disconnect();
    this.#plot?.destroy();
  }

  #fit() {
    const width = this.#parent.clientWidth;
    if (width > 0) {
      this.#plot?.setSize({ width, height: HEIGHT });
    }
  }

  /** A house that has just started fills the chart from its first minute on. */
  #fromMs() {
    const firstMs = this.#readings[0]?.atMs ?? this.#nowMs;
    return Math.max(this.#nowMs - this.#historyMs, Math.min(firstMs, this.#nowMs - 60_000));
  }

  #columns() {
    return [
      this.#readings.map((reading) => reading.atMs / 1000),
      this.#readings.map((reading) => reading.temperature),
      this.#readings.map((reading) => reading.humidity),
    ];
  }

  #label() {
    const temperatures = this.#readings.map((reading) => reading.temperature);
    const humidities = this.#readings.map((reading) => reading.humidity);
    return text("chartLabel", {
      minutes: Math.round(this.#historyMs / 60_000),
      lowTemperature: formatDecimal(Math.min(...temperatures)),
      highTemperature: formatDecimal(Math.max(...temperatures)),
      lowHumidity: formatDecimal(Math.min(...humidities)),
      highHumidity: formatDecimal(Math.max(...humidities)),
    });
  }

  #make() {
    const quiet = color("--quiet");
    const line = color("--line");
    const warm = color("--warm");
    const cool = color("--cool");
    const axis = { font: PX_FONT, ticks: { show: false }, grid: { show: false } };
    const options = {
      width: Math.max(this.#parent.clientWidth, 100),
      height: HEIGHT,
      padding: [8, 0, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { range: () => [this.#fromMs() / 1000, this.#nowMs / 1000] },
        celsius: { range: spanOf(4) },
        percent: { range: spanOf(16) },
      },
      axes: [
        {
          ...axis,
          stroke: quiet,
          size: 24,
          space: 72,
          values: (/** @type {unknown} */ _plot, /** @type {number[]} */ seconds) => {
            const [first = 0, second = 60] = seconds;
            // Closer than a minute, several marks would have the same text.
            const format = second - first < 60 ? formatTimeWithSeconds : formatTime;
            return seconds.map((at) => format(at * 1000));
          },
        },
        {
          ...axis,
          scale: "celsius",
          stroke: warm,
          size: 34,
          space: 32,
          grid: { show: true, stroke: line, width: 1 },
          values: (/** @type {unknown} */ _plot, /** @type {number[]} */ values) =>
            values.map((value) => `${value}°`),
        },
        {
          ...axis,
          scale: "percent",
          side: 1,
          stroke: cool,
          size: 40,
          space: 32,
          values: (/** @type {unknown} */ _plot, /** @type {number[]} */ values) =>
            values.map((value) => `${value}%`),
        },
      ],
      series: [
        {},
        { scale: "celsius", stroke: warm, width: 2, points: { show: false } },
        { scale: "percent", stroke: cool, width: 2, dash: [6, 4], points: { show: false } },
      ],
    };
    // @ts-expect-error uPlot is a script of its own, loaded before this one.
    return new window.uPlot(options, this.#columns(), this.#parent);
  }
}
