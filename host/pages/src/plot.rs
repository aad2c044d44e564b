//! Plots as SVG, drawn in colours that are readable on light and dark.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::number::short;

/// Width and height in the plot's own units; on the page it takes the room that there is.
const SIZE: (u32, u32) = (560, 340);

/// More points than this are thinned out, evenly: a page stays small.
const MOST_POINTS: usize = 1500;

const GREY: RGBColor = RGBColor(128, 134, 142);
const COLOURS: [RGBColor; 4] = [RGBColor(38, 128, 217), RGBColor(222, 122, 34), RGBColor(46, 160, 92), RGBColor(164, 92, 196)];

/// Points with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The name.
    pub name: String,
    /// The points; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// How the points of a plot are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Each for itself.
    Points,
    /// Each for itself, beside the line on which both axes say the same.
    AgainstEachOther,
    /// Joined.
    Lines,
}

/// A plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// What the axis to the right says.
    pub x: String,
    /// What the axis upwards says.
    pub y: String,
    /// What is drawn.
    pub series: Vec<Series>,
    /// How.
    pub kind: Kind,
}

impl Plot {
    /// The plot as SVG; none where there is nothing to draw.
    pub fn svg(&self) -> Option<String> {
        let series: Vec<Vec<(f64, f64)>> = self.series.iter().map(|series| thinned(&series.points)).collect();
        let xs = range(series.iter().flatten().map(|point| point.0))?;
        let ys = range(series.iter().flatten().map(|point| point.1))?;
        let mut svg = String::new();
        self.draw(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area(), &series, xs, ys)?;
        Some(svg)
    }

    fn draw(
        &self,
        area: &DrawingArea<SVGBackend<'_>, Shift>,
        series: &[Vec<(f64, f64)>],
        xs: (f64, f64),
        ys: (f64, f64),
    ) -> Option<()> {
        let both = (xs.0.min(ys.0), xs.1.max(ys.1));
        let (xs, ys) = if self.kind == Kind::AgainstEachOther { (both, both) } else { (xs, ys) };
        // Versions and steps: there is nothing between two of them.
        let is_whole = self.kind == Kind::Lines && series.iter().flatten().all(|(x, _)| x.fract() == 0.0);
        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .margin_right(20)
            .x_label_area_size(52)
            .y_label_area_size(84)
            .build_cartesian_2d(xs.0..xs.1, ys.0..ys.1)
            .ok()?;
        let style = ("sans-serif", 19, &GREY);
        chart
            .configure_mesh()
            .x_desc(self.x.as_str())
            .y_desc(self.y.as_str())
            .axis_desc_style(style)
            .label_style(style)
            .axis_style(GREY)
            .light_line_style(GREY.mix(0.0))
            .bold_line_style(GREY.mix(0.25))
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|x| if is_whole && x.fract() != 0.0 { String::new() } else { short(*x) })
            .y_label_formatter(&|y| short(*y))
            .draw()
            .ok()?;
        if self.kind == Kind::AgainstEachOther {
            let line = [(both.0, both.0), (both.1, both.1)];
            chart.draw_series(LineSeries::new(line, GREY.stroke_width(1))).ok()?;
        }
        for (index, points) in series.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            if self.kind == Kind::Lines {
                chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2))).ok()?;
            }
            if self.kind != Kind::Lines || points.len() < 60 {
                let dots = points.iter().map(|point| Circle::new(*point, 3, colour.mix(0.7).filled()));
                chart.draw_series(dots).ok()?;
            }
        }
        area.present().ok()
    }

    /// What is drawn, in words: for whoever does not see it.
    pub fn words(&self) -> String {
        let series = self.series.iter().map(|series| format!("{} ({} points)", series.name, series.points.len()));
        format!("{} over {}: {}", self.y, self.x, series.collect::<Vec<_>>().join(", "))
    }

    /// The colour of a series, as CSS writes it.
    pub fn colour(index: usize) -> String {
        let RGBColor(red, green, blue) = COLOURS[index % COLOURS.len()];
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

/// The points that are finite, and not more than there is room for.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let finite: Vec<_> = points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let step = finite.len().div_ceil(MOST_POINTS).max(1);
    finite.into_iter().step_by(step).collect()
}

/// From where to where, with some room on both sides; none where there is nothing.
fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (least, most) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)));
    let width = most - least;
    if !width.is_finite() {
        return None;
    }
    let room = if width > 0.0 { width * 0.05 } else { most.abs().max(1.0) * 0.05 };
    Some((least - room, most + room))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<(f64, f64)>, kind: Kind) -> Plot {
        Plot { x: "x".to_owned(), y: "y".to_owned(), series: vec![Series { name: "one".to_owned(), points }], kind }
    }

    #[test]
    fn what_there_is_is_drawn() {
        let svg = plot(vec![(0.0, 1.0), (1.0, 3.0)], Kind::Points).svg().unwrap();
        assert!(svg.starts_with("<svg") && svg.matches("<circle").count() == 2, "{svg}");
        let lines = plot(vec![(0.0, 1.0), (1.0, 3.0)], Kind::Lines).svg().unwrap();
        assert!(lines.contains("<polyline"), "{lines}");
    }

    #[test]
    fn nothing_and_nonsense_are_no_plot() {
        assert_eq!(plot(vec![], Kind::Points).svg(), None);
        assert_eq!(plot(vec![(f64::NAN, 1.0), (1.0, f64::INFINITY)], Kind::Points).svg(), None);
        assert_eq!(plot(vec![(-f64::MAX, 0.0), (f64::MAX, 0.0)], Kind::Points).svg(), None);
        assert!(plot(vec![(2.0, 2.0)], Kind::AgainstEachOther).svg().is_some(), "one point has room around it");
        assert!(plot(vec![(1e300, 1e-300), (2e300, 2e-300)], Kind::Lines).svg().is_some());
    }

    #[test]
    fn many_points_are_thinned_out() {
        let many = (0..100_000).map(|at| (f64::from(at), f64::from(at % 7))).collect();
        let svg = plot(many, Kind::Points).svg().unwrap();
        assert!(svg.matches("<circle").count() <= MOST_POINTS && svg.len() < 300_000, "{}", svg.len());
    }

    #[test]
    fn a_name_is_no_markup() {
        let mut bad = plot(vec![(0.0, 1.0)], Kind::Points);
        bad.x = "<script>alert(1)</script>".to_owned();
        assert!(!bad.svg().unwrap().contains("<script"));
    }
}
