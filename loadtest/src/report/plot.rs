//! Plots as SVG: percentiles against latency, both logarithmic; counts over time; bars.

use super::{Bars, Curve, Series, escape};

const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 36.0;

/// Maps both axes into the drawing.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn x(&self, value: f64) -> f64 {
        LEFT + (value - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (value - self.y.0) / (self.y.1 - self.y.0) * (HEIGHT - TOP - BOTTOM)
    }

    fn upright(&self, at: f64, label: &str) -> String {
        let x = self.x(at);
        format!(
            "<line class=grid x1={x:.1} x2={x:.1} y1={TOP} y2={:.1} /><text x={x:.1} y={:.1} text-anchor=middle>{}</text>",
            HEIGHT - BOTTOM,
            HEIGHT - BOTTOM + 18.0,
            escape(label)
        )
    }

    fn level(&self, at: f64, label: &str) -> String {
        let y = self.y(at);
        format!(
            "<line class=grid x1={LEFT} x2={:.1} y1={y:.1} y2={y:.1} /><text x={:.1} y={:.1} text-anchor=end>{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0,
            escape(label)
        )
    }

    fn curve(&self, number: usize, name: &str, points: impl Iterator<Item = (f64, f64)>) -> String {
        let points: Vec<String> = points.map(|(x, y)| format!("{:.1},{:.1}", self.x(x), self.y(y))).collect();
        let legend = LEFT + 200.0 * number as f64;
        format!(
            "<polyline class=\"curve s{0}\" points=\"{1}\"/><line class=\"curve s{0}\" x1={legend} x2={2} y1=12 y2=12 />\
             <text x={3} y=16>{4}</text>",
            number % 3,
            points.join(" "),
            legend + 28.0,
            legend + 36.0,
            escape(name)
        )
    }
}

fn svg(label: &str, inside: &str) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=img aria-label=\"{}\">{inside}</svg>", escape(label))
}

/// How many nines a quantile has: 0.9 is 1, 0.99 is 2.
fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).max(1e-6).log10()
}

pub fn percentiles(curves: &[Curve]) -> String {
    let values = || curves.iter().flat_map(|curve| &curve.points);
    let most_nines = values().map(|(quantile, _)| nines(*quantile)).fold(1.0, f64::max).ceil().min(5.0);
    let lowest = values().map(|(_, ms)| ms.max(0.01).log10()).fold(1.0, f64::min).floor();
    let highest = values().map(|(_, ms)| ms.max(0.01).log10()).fold(lowest + 1.0, f64::max).ceil();
    let axes = Axes { x: (0.0, most_nines), y: (lowest, highest) };
    let mut inside = axes.upright(0.0, "0") + &axes.upright(nines(0.5), "50 %");
    for step in 1..=most_nines as i32 {
        let percent = 100.0 - 10f64.powi(2 - step);
        inside += &axes.upright(f64::from(step), &format!("{percent} %"));
    }
    for power in lowest as i32..=highest as i32 {
        inside += &axes.level(f64::from(power), &format!("{} ms", 10f64.powi(power)));
    }
    for (number, curve) in curves.iter().enumerate() {
        let points = curve
            .points
            .iter()
            .map(|(quantile, ms)| (nines(*quantile).min(most_nines), ms.max(0.01).log10()));
        inside += &axes.curve(number, &curve.name, points);
    }
    svg("Percentiles of latency in milliseconds", &inside)
}

pub fn timeline(series: &[Series]) -> String {
    let values = || series.iter().flat_map(|series| &series.points);
    let last = values().map(|(second, _)| *second).fold(1.0, f64::max);
    let most = values().map(|(_, count)| *count).fold(1.0, f64::max);
    let axes = Axes { x: (0.0, last), y: (0.0, most) };
    let mut inside = String::new();
    for step in 0..=5 {
        let part = f64::from(step) / 5.0;
        inside += &axes.upright(last * part, &format!("{:.1} s", last * part));
        inside += &axes.level(most * part, &format!("{:.0}", most * part));
    }
    for (number, series) in series.iter().enumerate() {
        inside += &axes.curve(number, &series.name, series.points.iter().copied());
    }
    svg("Counts per second over time", &inside)
}

/// Lengths in proportion, so that they can be compared by eye.
pub fn bars(bars: &Bars) -> String {
    const ROW: f64 = 28.0;
    const NAME: f64 = 150.0;
    const VALUE: f64 = 110.0;
    let most = bars.bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let mut inside = String::new();
    for (number, (name, value)) in bars.bars.iter().enumerate() {
        let y = number as f64 * ROW;
        let length = (value / most * (WIDTH - NAME - VALUE)).max(1.0);
        let shown = if *value >= 1_000.0 { format!("{value:.0}") } else { format!("{value:.2}") };
        inside += &format!(
            "<text x={:.1} y={:.1} text-anchor=end>{}</text><rect class=\"bar s{}\" x={NAME} y={:.1} width={length:.1} height={:.1} />\
             <text x={:.1} y={:.1}>{shown}</text>",
            NAME - 8.0,
            y + 19.0,
            escape(name),
            number % 3,
            y + 4.0,
            ROW - 8.0,
            NAME + length + 8.0,
            y + 19.0,
        );
    }
    let height = bars.bars.len() as f64 * ROW;
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=img aria-label=\"{}\">{inside}</svg>",
        escape(&bars.title)
    )
}
