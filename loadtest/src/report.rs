//! One page that stands alone: no script, no other host, plots as SVG, light and dark.

use std::{fmt::Write as _, path::Path};

use serde_json::Value;

use crate::failure::Failure;

mod plot;

/// A curve of percentiles: (quantile, milliseconds).
pub struct Curve {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// A line over time: (seconds, per second).
pub struct Series {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// Bars beside one another: names and values of one unit.
pub struct Bars {
    pub title: String,
    pub bars: Vec<(String, f64)>,
}

#[derive(Default)]
pub struct Page {
    pub title: String,
    pub facts: Vec<(String, String)>,
    pub curves: Vec<Curve>,
    pub series: Vec<Series>,
    pub bars: Vec<Bars>,
    pub findings: Vec<String>,
    pub json: Value,
}

const STYLE: &str = include_str!("report/style.css");

impl Page {
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        std::fs::write(path, self.html()).map_err(Failure::file(path))
    }

    fn html(&self) -> String {
        let title = escape(&self.title);
        let mut html = format!(
            "<!doctype html><html lang=en><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width,initial-scale=1\">\
             <title>{title}</title><style>{STYLE}</style><h1>{title}</h1><dl>"
        );
        for (name, value) in &self.facts {
            put(&mut html, format_args!("<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value)));
        }
        html += "</dl>";
        if !self.findings.is_empty() {
            html += "<h2>Not as it should be</h2><ul>";
            for finding in &self.findings {
                put(&mut html, format_args!("<li>{}</li>", escape(finding)));
            }
            html += "</ul>";
        }
        if self.curves.iter().any(|curve| !curve.points.is_empty()) {
            html += "<h2>Latency from the intended time</h2>";
            html += &plot::percentiles(&self.curves);
        }
        if self.series.iter().any(|series| !series.points.is_empty()) {
            html += "<h2>Per second, over time</h2>";
            html += &plot::timeline(&self.series);
        }
        for bars in self.bars.iter().filter(|bars| !bars.bars.is_empty()) {
            put(&mut html, format_args!("<h2>{}</h2>", escape(&bars.title)));
            html += &plot::bars(bars);
        }
        let json = serde_json::to_string_pretty(&self.json).unwrap_or_else(|error| error.to_string());
        put(&mut html, format_args!("<h2>All figures</h2><pre>{}</pre></html>\n", escape(&json)));
        html
    }
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Writing to a string cannot fail.
fn put(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text).expect("a string takes any text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_stands_alone_and_escapes() {
        let page = Page {
            title: "Rush <1>".into(),
            facts: vec![("oversold".into(), "0".into())],
            curves: vec![Curve {
                name: "won".into(),
                points: vec![(0.0, 0.4), (0.5, 1.2), (0.99, 8.0), (1.0, 30.0)],
            }],
            series: vec![Series { name: "wishes".into(), points: vec![(0.0, 10.0), (0.1, 4.0)] }],
            bars: vec![Bars { title: "cost".into(), bars: vec![("one".into(), 2.5), ("none".into(), 0.0)] }],
            findings: vec!["lost: order & co".into()],
            json: serde_json::json!({"a": "<b>"}),
        };
        let html = page.html();
        assert!(html.contains("Rush &lt;1&gt;") && html.contains("order &amp; co"));
        assert!(html.matches("<svg").count() == 3);
        for foreign in ["<script", "http://", "https://", "NaN", "inf"] {
            assert!(!html.contains(foreign), "{foreign}");
        }
    }
}
