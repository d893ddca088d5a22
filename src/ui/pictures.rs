//! Images: a figure drawn as on paper (PNG or SVG), or a part of the window as it is (PNG).
//!
//! Each says where a virtual result is in it: a figure in its heading, a view by the answer above it, a single plot by its
//! title. Does not know what a plot shows, and writes only when asked.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use eframe::egui::{Color32, ColorImage, Context, Id, Rect, Response, Role, Ui, WidgetInfo};

use super::theme;
use crate::figures::Figure;
use crate::record::DeviceInfo;
use crate::report::{ReportError, chart, write_export};
use resvg::{tiny_skia, usvg};

/// Between areas that stand apart on the screen and together in the picture.
const GAP_PX: usize = 8;

/// An image that the user asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wish {
    /// Its subject; part of its file name.
    pub name: String,
    /// Parts of the window in points, top to bottom.
    pub areas: Vec<Rect>,
}

/// A figure that the user asked for.
#[derive(Debug, Clone)]
pub struct FigureWish {
    /// Which.
    pub figure: Figure,
    /// As what.
    pub form: FigureForm,
}

/// What a figure is saved as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FigureForm {
    /// Lines and text.
    Svg,
    /// Pixels, so many a point.
    Png {
        /// 1 to 4.
        scale: u8,
    },
}

impl FigureForm {
    /// All that the menu offers, with their titles.
    pub const ALL: [(&'static str, Self); 3] = [
        ("Save as PNG, 1520 px wide", Self::Png { scale: 2 }),
        ("Save as PNG, 760 px wide", Self::Png { scale: 1 }),
        ("Save as SVG", Self::Svg),
    ];
}

impl FigureWish {
    /// Beside the report at `report_path`: "report-lock-wait-per-frame.png".
    pub fn path(&self, report_path: &Path) -> PathBuf {
        let path = Wish { name: self.figure.title.clone(), areas: Vec::new() }.path(report_path);
        match self.form {
            FigureForm::Svg => path.with_extension("svg"),
            FigureForm::Png { .. } => path,
        }
    }

    /// Draws it with its title, key, axes and device, and writes it.
    ///
    /// # Errors
    /// It could not be written.
    pub fn write(&self, device: &DeviceInfo, path: &Path) -> Result<(), ReportError> {
        let svg = chart::svg(&self.figure, device);
        let FigureForm::Png { scale } = self.form else {
            return write_export(path, &[], |out| out.write_all(svg.as_bytes()).map_err(ReportError::from));
        };
        let failure = |error: String| ReportError::Write { path: path.to_owned(), source: io::Error::other(error) };
        let png = raster(&svg, f32::from(scale)).map_err(failure)?;
        write_export(path, &[], |out| out.write_all(&png).map_err(ReportError::from))
    }
}

/// An SVG of our own as PNG, its text in the window's face.
fn raster(svg: &str, scale: f32) -> Result<Vec<u8>, String> {
    let mut options = usvg::Options { font_family: "Inter".to_owned(), ..usvg::Options::default() };
    let fonts = options.fontdb_mut();
    theme::FACES.iter().for_each(|face| fonts.load_font_data(face.to_vec()));
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let size = tree.size().to_int_size().scale_by(scale).ok_or("the figure has no size")?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).ok_or("the figure has no size")?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| error.to_string())
}

/// What was drawn before a plot and belongs to it.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    title: Option<Rect>,
    /// The title of an earlier pass is gone.
    pass: u64,
}

impl Wish {
    /// Beside the report at `report_path`: "report-lock-wait-per-frame.png".
    pub fn path(&self, report_path: &Path) -> PathBuf {
        let stem = report_path.file_stem().unwrap_or_default().to_string_lossy();
        let word = |letter: char| if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
        let slug: String = self.name.chars().map(word).collect();
        let slug: Vec<_> = slug.split('-').filter(|part| !part.is_empty()).collect();
        report_path.with_file_name(format!("{stem}-{}.png", slug.join("-")))
    }

    /// Cuts the areas out of an image of the whole window, and stacks them. Areas outside the window are left out; `None`
    /// if nothing is left.
    pub fn cut(&self, window: &ColorImage, pixels_per_point: f32) -> Option<ColorImage> {
        let parts: Vec<_> = self.areas.iter().filter_map(|area| part(window, *area, pixels_per_point)).collect();
        let width = parts.iter().map(ColorImage::width).max()?;
        let background = parts.first().and_then(|part| part.pixels.first()).copied().unwrap_or(Color32::BLACK);
        let height = parts.iter().map(ColorImage::height).sum::<usize>() + GAP_PX * (parts.len() - 1);
        let mut picture = ColorImage::filled([width, height], background);
        let mut top = 0;
        for part in &parts {
            for (row, line) in part.pixels.chunks_exact(part.width()).enumerate() {
                let begin = (top + row) * width;
                picture.pixels[begin..begin + line.len()].copy_from_slice(line);
            }
            top += part.height() + GAP_PX;
        }
        Some(picture)
    }
}

fn part(window: &ColorImage, area: Rect, pixels_per_point: f32) -> Option<ColorImage> {
    let edges = |from: f32, to: f32, most: usize| {
        let px = |points: f32| ((points * pixels_per_point).round().max(0.0) as usize).min(most);
        (px(from), px(to).saturating_sub(px(from)))
    };
    let (left, width) = edges(area.left(), area.right(), window.width());
    let (top, height) = edges(area.top(), area.bottom(), window.height());
    (width > 0 && height > 0).then(|| window.region_by_pixels([left, top], [width, height]))
}

/// Writes an image.
///
/// # Errors
/// It could not be written.
pub fn write(picture: &ColorImage, path: &Path) -> Result<(), ReportError> {
    write_export(path, &[], |out| {
        let failure = |error| ReportError::Write { path: path.to_owned(), source: io::Error::other(error) };
        let (width, height) = (picture.width() as u32, picture.height() as u32);
        let mut encoder = png::Encoder::new(out, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let rgb: Vec<u8> = picture.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]).collect();
        let mut writer = encoder.write_header().map_err(failure)?;
        writer.write_image_data(&rgb).map_err(failure)
    })
}

/// The title of the plot that follows.
pub fn note_title(ui: &Ui, title: Rect) {
    note(ui.ctx(), |before| before.title = Some(title));
}

/// Gives a plot its name for screen readers, and a menu to save an image of it.
pub fn offer(response: &Response, name: impl Into<String>) {
    let name = name.into();
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, name.clone()));
    let before = note(&response.ctx, |_| ());
    response.context_menu(|ui| {
        if ui.button("Save image").clicked() {
            let plot = before.title.map_or(response.rect, |title| title.union(response.rect));
            ask(ui.ctx(), Wish { name, areas: vec![plot] });
            ui.close();
        }
    });
}

/// Gives a panel of a figure a menu to save the figure, drawn as on paper.
pub fn offer_figure(response: &Response, figure: &Figure) {
    response.context_menu(|ui| {
        for (title, form) in FigureForm::ALL {
            if ui.button(title).clicked() {
                let wish = FigureWish { figure: figure.clone(), form };
                ui.ctx().data_mut(|data| data.insert_temp(figure_id(), Some(wish)));
                ui.ctx().request_repaint();
                ui.close();
            }
        }
    });
}

/// The figure that was asked for, once.
pub fn take_figure_wish(ctx: &Context) -> Option<FigureWish> {
    ctx.data_mut(|data| data.remove_temp::<Option<FigureWish>>(figure_id())).flatten()
}

fn figure_id() -> Id {
    Id::unique("wished figure")
}

/// Asks for an image in the next frame, when the menu is closed.
pub fn ask(ctx: &Context, wish: Wish) {
    ctx.data_mut(|data| data.insert_temp(wish_id(), wish));
    ctx.request_repaint();
}

/// The image that was asked for, once; what is drawn next is in it.
pub fn take_wish(ctx: &Context) -> Option<Wish> {
    let pass = ctx.cumulative_pass_nr();
    ctx.data_mut(|data| {
        let wish = data.remove_temp(wish_id())?;
        data.insert_temp(pass_id(), pass);
        Some(wish)
    })
}

/// Is what is drawn now going to be in an image? Then a virtual device has to be named beside every plot.
pub fn is_asked(ctx: &Context) -> bool {
    let asked: Option<u64> = ctx.data(|data| data.get_temp(pass_id()));
    asked.is_some_and(|asked| ctx.cumulative_pass_nr() <= asked + 1)
}

fn note(ctx: &Context, change: impl FnOnce(&mut Before)) -> Before {
    let pass = ctx.cumulative_pass_nr();
    ctx.data_mut(|data| {
        let before: &mut Before = data.get_temp_mut_or_default(Id::unique("before the plot"));
        if before.pass != pass {
            *before = Before { pass, ..Before::default() };
        }
        change(before);
        *before
    })
}

fn pass_id() -> Id {
    Id::unique("pass of the wished image")
}

fn wish_id() -> Id {
    Id::unique("wished image")
}

#[cfg(test)]
mod tests {
    use eframe::egui::pos2;

    use super::*;

    fn area(left: f32, top: f32, right: f32, bottom: f32) -> Rect {
        Rect::from_min_max(pos2(left, top), pos2(right, bottom))
    }

    /// Every pixel says where it was.
    fn window() -> ColorImage {
        let pixel = |idx: usize| Color32::from_rgb((idx % 20) as u8, (idx / 20) as u8, 7);
        ColorImage::new([20, 10], (0..200).map(pixel).collect())
    }

    #[test]
    fn areas_stand_above_each_other() {
        let wish = Wish { name: String::new(), areas: vec![area(1.0, 1.0, 5.0, 2.0), area(2.0, 3.0, 4.0, 5.0)] };
        let picture = wish.cut(&window(), 2.0).unwrap();
        assert_eq!(picture.size, [8, 2 + GAP_PX + 4]);
        assert_eq!(picture.pixels[0], Color32::from_rgb(2, 2, 7));
        assert_eq!(picture.pixels[8 * (2 + GAP_PX)], Color32::from_rgb(4, 6, 7));
        // Right of the narrower one is background.
        assert_eq!(picture.pixels[8 * (2 + GAP_PX) + 4], Color32::from_rgb(2, 2, 7));
    }

    #[test]
    fn a_figure_is_saved_with_its_text_in_two_sizes() {
        let dir = tempfile::tempdir().unwrap();
        let device = crate::ui::fixture::session().session.manifest.device;
        let groups = crate::ui::fixture::sweep(100).groups;
        let figure =
            crate::figures::thresholds::of("Each metric", &groups, None, &crate::figures::thresholds::METRICS).unwrap();
        let dark_pixels = |scale: u8, figure: &Figure| {
            let path = dir.path().join("figure.png");
            let wish = FigureWish { figure: figure.clone(), form: FigureForm::Png { scale } };
            wish.write(&device, &path).unwrap();
            let mut reader =
                png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&path).unwrap())).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            (info.width, pixels.chunks_exact(4).filter(|pixel| pixel[0] < 90 && pixel[3] > 200).count())
        };
        let (width, dark) = dark_pixels(2, &figure);
        assert_eq!((width, dark_pixels(1, &figure).0), (1520, 760));
        let untitled = Figure { title: String::new(), ..figure };
        assert!(dark > dark_pixels(2, &untitled).1 + 300, "the title is drawn");
    }

    #[test]
    fn what_is_off_the_window_is_left_out() {
        let wish = |areas| Wish { name: String::new(), areas };
        let half = wish(vec![area(15.0, 8.0, 40.0, 40.0), area(-5.0, 20.0, 5.0, 30.0)]);
        assert_eq!(half.cut(&window(), 1.0).unwrap().size, [5, 2]);
        assert!(wish(vec![area(50.0, 50.0, 60.0, 60.0)]).cut(&window(), 1.0).is_none());
        assert!(wish(Vec::new()).cut(&window(), 1.0).is_none());
    }

    #[test]
    fn a_picture_comes_back_from_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let wish = Wish { name: "Histogram of lock wait, T=4".to_owned(), areas: Vec::new() };
        let path = wish.path(&dir.path().join("report.md"));
        assert_eq!(path.file_name().unwrap(), "report-histogram-of-lock-wait-t-4.png");
        write(&window(), &path).unwrap();
        let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&path).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut rgb).unwrap();
        assert_eq!(&rgb[3 * 21..3 * 22], [1, 1, 7]);
        assert!(
            write(&window(), &dir.path().join("no/such/folder.png")).unwrap_err().to_string().contains("folder.png")
        );
    }
}
