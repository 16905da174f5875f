//! The plots: reliability, precision and recall, thresholds, cold start, segments. Each is an SVG to stand in a page.

use super::cold_start::{Learning, Newcomer};
use super::quality::Quality;
use super::report::{Curves, Segment, Stores};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;
use std::ops::Range;

type Failed = Box<dyn Error>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const SQUARE: (u32, u32) = (440, 400);
const FONT: (&str, i32) = ("sans-serif", 15);
const SMALL: (&str, i32) = ("sans-serif", 13);

/// One colour for each kind of stores: told apart by readers who see few colours, too.
fn colour(stores: Stores) -> RGBColor {
    match stores {
        Stores::All => RGBColor(0, 114, 178),
        Stores::Known => RGBColor(0, 158, 115),
        Stores::Unseen => RGBColor(213, 94, 0),
    }
}

fn drawn(
    size: (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Result<(), Failed>,
) -> Result<String, Failed> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        draw(&area)?;
        area.present()?;
    }
    Ok(svg)
}

/// What was said against what happened; the grey line is where they are the same.
pub(super) fn reliability(curves: &[Curves]) -> Result<String, Failed> {
    let axes = Axes {
        has_dots: true,
        has_diagonal: true,
        legend: SeriesLabelPosition::UpperLeft,
        ..Axes::of_shares("said", "happened")
    };
    let points = |curves: &Curves| {
        let bins = curves.reliability.iter();
        bins.map(|bin| (bin.0, bin.1)).collect()
    };
    lines(&axes, by_stores(curves, points))
}

/// Precision against recall.
pub(super) fn precision_recall(curves: &[Curves]) -> Result<String, Failed> {
    let points = |curves: &Curves| curves.precision_recall.clone();
    lines(
        &Axes::of_shares("recall", "precision"),
        by_stores(curves, points),
    )
}

/// Thresholds that are named along the line.
const MARKED: [f64; 5] = [0.25, 0.5, 0.75, 0.9, 0.95];

/// What is found of what is shown, against what is still shown, for every threshold.
pub(super) fn frontier(curves: &[Curves]) -> Result<String, Failed> {
    let points = |curves: &Curves| -> Vec<(f64, f64)> {
        let points = curves.frontier.iter();
        points
            .filter_map(|one| Some((one.shown, one.found?)))
            .collect()
    };
    // On one line: of known and unseen stores they nearly meet.
    let first = curves.first().into_iter().flat_map(|one| &one.frontier);
    let marks = first
        .filter(|one| MARKED.contains(&one.below))
        .filter_map(|one| Some(((one.shown, one.found?), format!("{:.2}", one.below))));
    let all = curves.iter().flat_map(points);
    let least = all.map(|point| point.1).fold(1.0, f64::min);
    let axes = Axes {
        heights: (least * 20.0).floor() / 20.0..1.0,
        marks: marks.collect(),
        ..Axes::of_shares("share of the selection shown", "share of it found")
    };
    lines(&axes, by_stores(curves, points))
}

/// A number by days since a beginning.
pub(super) fn learning(
    what: &str,
    learning: &[Learning],
    number: impl Fn(&Quality) -> Option<f64>,
) -> Result<String, Failed> {
    let of = |who: Newcomer| Line {
        name: who.name().to_owned(),
        colour: match who {
            Newcomer::NewStores => colour(Stores::Unseen),
            Newcomer::NewItems => colour(Stores::All),
            Newcomer::KnownBefore => RGBColor(130, 130, 130),
        },
        points: learning
            .iter()
            .filter(|one| one.who == who)
            .filter_map(|one| Some((f64::from(one.days), number(&one.quality)?)))
            .collect(),
    };
    let all = Newcomer::ALL.map(of);
    let points = || all.iter().flat_map(|line| &line.points);
    let days = points().map(|point| point.0).fold(1.0, f64::max);
    let (least, most) = points()
        .map(|point| point.1)
        .fold((0.0, 0.0), |(least, most): (f64, f64), one| {
            (least.min(one), most.max(one))
        });
    // A third more is room for the legend.
    let axes = Axes {
        across: "days",
        up: what,
        widths: -0.3..days + 0.3,
        heights: least..least + (most - least).max(0.01) * 1.33,
        has_dots: true,
        has_diagonal: false,
        marks: Vec::new(),
        legend: SeriesLabelPosition::UpperRight,
    };
    lines(&axes, all.into())
}

/// What a plot of lines is drawn in.
struct Axes<'a> {
    across: &'a str,
    up: &'a str,
    widths: Range<f64>,
    heights: Range<f64>,
    has_dots: bool,
    /// A grey line on which both are the same.
    has_diagonal: bool,
    /// Points that have a name.
    marks: Vec<((f64, f64), String)>,
    legend: SeriesLabelPosition,
}

impl<'a> Axes<'a> {
    fn of_shares(across: &'a str, up: &'a str) -> Self {
        Self {
            across,
            up,
            widths: 0.0..1.0,
            heights: 0.0..1.0,
            has_dots: false,
            has_diagonal: false,
            marks: Vec::new(),
            legend: SeriesLabelPosition::LowerLeft,
        }
    }
}

/// A line of a plot.
struct Line {
    name: String,
    colour: RGBColor,
    points: Vec<(f64, f64)>,
}

fn by_stores(curves: &[Curves], points: impl Fn(&Curves) -> Vec<(f64, f64)>) -> Vec<Line> {
    let line = |one: &Curves| Line {
        name: format!("{} stores", one.stores.name()),
        colour: colour(one.stores),
        points: points(one),
    };
    curves.iter().map(line).collect()
}

/// A number of an axis: 0.2, 4.
fn short(at: f64) -> String {
    let text = format!("{at:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

fn lines(axes: &Axes<'_>, lines: Vec<Line>) -> Result<String, Failed> {
    drawn(SQUARE, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(48)
            .build_cartesian_2d(axes.widths.clone(), axes.heights.clone())?;
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(axes.across)
            .y_desc(axes.up)
            .x_label_formatter(&|at| short(*at))
            .axis_desc_style(FONT)
            .label_style(SMALL);
        mesh.light_line_style(WHITE).draw()?;
        if axes.has_diagonal {
            let diagonal = [(0.0, 0.0), (1.0, 1.0)];
            chart.draw_series(LineSeries::new(diagonal, BLACK.mix(0.3)))?;
        }
        for Line {
            name,
            colour,
            points,
        } in lines.into_iter().filter(|line| !line.points.is_empty())
        {
            chart
                .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2))
                });
            if axes.has_dots {
                let dots = points.into_iter();
                chart.draw_series(dots.map(|dot| Circle::new(dot, 3, colour.filled())))?;
            }
        }
        chart.draw_series(axes.marks.iter().map(|(at, name)| {
            // Below the line, which falls to the right.
            let text = Text::new(name.clone(), (-30, 4), SMALL.into_font());
            EmptyElement::at(*at) + Circle::new((0, 0), 4, BLACK.filled()) + text
        }))?;
        chart
            .configure_series_labels()
            .position(axes.legend.clone())
            .label_font(SMALL)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.2))
            .draw()?;
        Ok(())
    })
}

/// A number of each segment as a dot; a line where its interval is known.
pub(super) fn segments(
    what: &str,
    segments: &[&Segment],
    value: impl Fn(&Segment) -> (f64, Option<(f64, f64)>),
) -> Result<String, Failed> {
    let size = (900, 70 + 20 * segments.len() as u32);
    let most = segments
        .iter()
        .map(|segment| {
            let (value, interval) = value(segment);
            interval.map_or(value, |interval| value.max(interval.1))
        })
        .fold(1e-3, f64::max);
    drawn(size, |area| {
        let rows = segments.len() as f64;
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(230)
            .build_cartesian_2d(0.0..most * 1.05, -0.5..rows - 0.5)?;
        let name = |at: &f64| {
            let is_a_row = (at - at.round()).abs() < 1e-6 && *at > -0.1;
            let segment = segments.iter().rev().nth(at.round() as usize);
            let segment = segment.filter(|_| is_a_row);
            segment.map_or(String::new(), |one| {
                // A category that is called so says it already.
                match one.name.starts_with(one.by.name()) {
                    true => one.name.clone(),
                    false => format!("{}: {}", one.by.name(), one.name),
                }
            })
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(WHITE)
            .x_desc(what)
            .axis_desc_style(FONT)
            .label_style(SMALL)
            .y_labels(2 * segments.len() + 2)
            .y_label_formatter(&name)
            .draw()?;
        for (at, segment) in segments.iter().rev().enumerate() {
            let (value, interval) = value(segment);
            let colour = colour(segment.stores);
            if let Some((low, high)) = interval {
                let line = [(low, at as f64), (high, at as f64)];
                chart.draw_series(LineSeries::new(line, colour.mix(0.5).stroke_width(3)))?;
            }
            chart.draw_series([Circle::new((value, at as f64), 4, colour.filled())])?;
        }
        Ok(())
    })
}
