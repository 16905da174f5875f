//! The plot: what durability costs, as rate and as p99, for each number in flight.

use super::durability::{IN_FLIGHT, Row};
use crate::bench::closed_loop::Measured;
use crate::document::grouped;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;

type Failed = Box<dyn Error>;

const SIZE: (u32, u32) = (960, 380);

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
        let (left, right) = area.split_horizontally(SIZE.0 / 2);
        panel(&left, "reservations a second", rows, |run| run.per_second)?;
        panel(&right, "p99, ms", rows, |run| run.p99_micros as f64 / 1e3)?;
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
        .build_cartesian_2d(across, (least / 2.0..most * 4.0).log_scale())?;
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
        .draw()?;
    for (which, (in_flight, colour)) in IN_FLIGHT.into_iter().zip(COLOURS).enumerate() {
        let points: Vec<(f64, f64)> = rows
            .iter()
            .enumerate()
            .map(|(at, row)| (at as f64, value(&row.runs[which])))
            .collect();
        let dots = points.clone().into_iter();
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(format!("{} in flight", grouped(in_flight as u64)))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(dots.map(|dot| Circle::new(dot, 3, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    Ok(())
}
