//! The plot: what durability costs, as rate and as p99, for each number in flight.

use super::durability::{IN_FLIGHT, Row};
use crate::bench::closed_loop::Measured;
use crate::document::grouped;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;

type Failed = Box<dyn Error>;

const SIZE: (u32, u32) = (960, 400);

/// The strip below both panels that says which colour is what: inside, it would lie over one line or another.
const LEGEND_HEIGHT: u32 = 28;

/// Across, from one entry of the legend to the next.
const LEGEND_STEP: i32 = 160;

/// One colour for each number in flight: told apart by readers who see few colours, too.
const COLOURS: [RGBColor; 3] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
];

/// Draws both panels; gives the SVG.
pub(super) fn draw(rows: &[Row]) -> Result<String, Failed> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let (panels, below) = area.split_vertically(SIZE.1 - LEGEND_HEIGHT);
        let (left, right) = panels.split_horizontally(SIZE.0 / 2);
        panel(&left, "reservations a second", rows, |run| run.per_second)?;
        panel(&right, "p99, ms", rows, |run| run.p99_micros as f64 / 1e3)?;
        legend(&below)?;
        area.present()?;
    }
    Ok(svg)
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    title: &str,
    rows: &[Row],
    value: impl Fn(&Measured) -> f64,
) -> Result<(), Failed> {
    let values: Vec<f64> = rows.iter().flat_map(|row| &row.runs).map(&value).collect();
    let least = values.iter().copied().fold(f64::MAX, f64::min).max(1e-3);
    let most = values.iter().copied().fold(least, f64::max);
    let across = -0.3..rows.len() as f64 - 0.7;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 17))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(68)
        .build_cartesian_2d(across, (least / 2.0..most * 2.0).log_scale())?;
    let name = |at: &f64| {
        let is_a_mode = (at - at.round()).abs() < 1e-9;
        let row = rows
            .get(at.round() as usize)
            .filter(|_| is_a_mode && *at > -0.1);
        row.map(|row| row.mode.clone()).unwrap_or_default()
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(rows.len() * 2)
        .x_label_formatter(&name)
        .y_label_formatter(&plain)
        .draw()?;
    for (which, colour) in COLOURS.into_iter().enumerate() {
        let points: Vec<(f64, f64)> = rows
            .iter()
            .enumerate()
            .map(|(at, row)| (at as f64, value(&row.runs[which])))
            .collect();
        let dots = points.clone().into_iter();
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        chart.draw_series(dots.map(|dot| Circle::new(dot, 3, colour.filled())))?;
    }
    Ok(())
}

/// Which colour is which number in flight, in one line for both panels.
fn legend(area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Failed> {
    let middle = LEGEND_HEIGHT as i32 / 2;
    let left = (SIZE.0 as i32 - LEGEND_STEP * COLOURS.len() as i32) / 2;
    let places = (left..).step_by(LEGEND_STEP as usize);
    for ((x, colour), in_flight) in places.zip(COLOURS).zip(IN_FLIGHT) {
        let line = [(x, middle), (x + 24, middle)];
        let name = format!("{} in flight", grouped(in_flight as u64));
        let font = ("sans-serif", 14).into_font();
        area.draw(&PathElement::new(line, colour.stroke_width(2)))?;
        area.draw(&Circle::new((x + 12, middle), 3, colour.filled()))?;
        area.draw(&Text::new(name, (x + 32, middle - 6), font))?;
    }
    Ok(())
}

/// A value on an axis, as people write it: `0.1`, `10`, `100,000`.
fn plain(value: &f64) -> String {
    match *value >= 1.0 {
        true => grouped(value.round() as u64),
        false => format!("{}", (value * 1e6).round() / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_on_an_axis_are_written_as_people_do() {
        let written = [0.01, 0.1, 1.0, 10.0, 1_000_000.0].map(|value| plain(&value));
        assert_eq!(written, ["0.01", "0.1", "1", "10", "1,000,000"]);
    }
}
