//! A preview of the input: its first frame as a small image, what it is, and what reaches the encoder.
//!
//! Read on a separate thread, and only when the input's text has changed and is not being edited. Does not know what the
//! frames are for. Colours are good enough to recognise a clip, not to judge it.

use std::fmt;

use eframe::egui::load::SizedTexture;
use eframe::egui::{Color32, ColorImage, Context, Label, TextureHandle, TextureOptions, Ui};

use crate::contract::{Dimensions, PixelFormat};
use crate::measure::estimate::Clip;
use crate::source::{InputSpec, Length, MediaFacts, SourceInfo, media_facts, open};
use crate::ui::theme;
use crate::ui::views::setup::preview_words::lines;
use crate::ui::widgets::sub_ui;
use crate::ui::words::in_window;

/// Longest side of the picture.
const MAX_SIDE: usize = 80;
/// A name and three lines.
const HEIGHT: f32 = 64.0;

/// The facts about one input.
#[derive(Debug)]
pub struct Preview {
    /// As it stood in the form.
    input: String,
    found: Result<Found, String>,
}

#[derive(Debug)]
struct Found {
    info: SourceInfo,
    /// By the container, where there is one.
    facts: Option<MediaFacts>,
    image: ColorImage,
}

/// The preview below the input.
#[derive(Default)]
pub struct PreviewModel {
    /// The input that was last read.
    asked: String,
    shown: Option<Shown>,
}

/// A texture says nothing about itself.
impl fmt::Debug for PreviewModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreviewModel").field("asked", &self.asked).finish_non_exhaustive()
    }
}

enum Shown {
    Frame { texture: TextureHandle, lines: Vec<String>, clip: Clip },
    Problem(String),
}

impl Preview {
    /// Opens the input and reads its first frame. Standard input is left alone: what is read of it is gone.
    pub fn of(input: String) -> Self {
        let found = match input.parse::<InputSpec>() {
            Ok(InputSpec::Stdin) => Err("Standard input is not read before the sweep starts".to_owned()),
            Ok(spec) => first_frame(&spec),
            Err(error) => Err(error.to_string()),
        };
        Self { input, found }
    }
}

fn first_frame(spec: &InputSpec) -> Result<Found, String> {
    let mut source = open(spec).map_err(|error| error.to_string())?;
    let info = source.info().clone();
    let mut frame = vec![0; info.frame_bytes()];
    match source.next_frame(&mut frame) {
        Ok(true) => {
            let image = thumbnail(info.format, info.dimensions, &frame);
            Ok(Found { facts: facts_of(spec, &info), info, image })
        }
        Ok(false) => Err(format!("cannot use {}: it has no frames; choose a longer clip", info.spec)),
        Err(error) => Err(error.to_string()),
    }
}

/// Y4M is uncompressed, and nothing more is known of it; what ffmpeg decodes as NV12 never was Y4M.
fn facts_of(spec: &InputSpec, info: &SourceInfo) -> Option<MediaFacts> {
    match (spec, info.format) {
        (InputSpec::File(path), PixelFormat::Nv12) => media_facts(path),
        (InputSpec::File(path), PixelFormat::P010 | PixelFormat::Yuv444) => {
            media_facts(path).filter(|facts| facts.codec != "rawvideo")
        }
        _ => None,
    }
}

impl Found {
    fn clip(&self) -> Clip {
        let SourceInfo { format, dimensions, .. } = self.info;
        let (frames, distinct) = match self.info.length {
            Length::Frames(frames) => (Some(frames), None),
            Length::Unknown => (self.facts.as_ref().and_then(|facts| facts.frames), None),
            Length::Endless { period } => (None, Some(period)),
        };
        Clip { format, dimensions, frames, distinct }
    }
}

impl PreviewModel {
    /// The input to look at, if it is another one than last time. A malformed one says so where it stands.
    pub fn wants(&mut self, input: &str) -> Option<String> {
        if self.asked == input || input.parse::<InputSpec>().is_err() {
            return None;
        }
        input.clone_into(&mut self.asked);
        Some(self.asked.clone())
    }

    /// Takes up what was found, unless another input was asked about meanwhile.
    pub fn take(&mut self, ctx: &Context, preview: Preview) {
        if preview.input != self.asked {
            return;
        }
        self.shown = Some(match preview.found {
            Ok(found) => Shown::Frame {
                lines: lines(&found.info, found.facts.as_ref()),
                clip: found.clip(),
                texture: ctx.load_texture("input", found.image, TextureOptions::LINEAR),
            },
            Err(problem) => Shown::Problem(problem),
        });
    }

    /// What is known of the input's frames.
    pub(in crate::ui) fn clip(&self, input: &str) -> Option<Clip> {
        match &self.shown {
            Some(Shown::Frame { clip, .. }) if self.asked == input => Some(*clip),
            _ => None,
        }
    }
}

/// A file's name, or what the input is.
fn name_of(input: &str) -> String {
    match input.parse::<InputSpec>() {
        Ok(InputSpec::Synthetic { .. }) => "Built-in pattern".to_owned(),
        _ => input.rsplit(['/', '\\', ':']).next().unwrap_or(input).to_owned(),
    }
}

/// Above the input's text. Its height is the same while the input is typed or read, so that the form stays where it is.
pub fn preview_ui(ui: &mut Ui, model: &PreviewModel, input: &str) {
    let (texture, lines) = match &model.shown {
        Some(Shown::Frame { texture, lines, .. }) if model.asked == input => (Some(texture), lines.as_slice()),
        Some(Shown::Problem(problem)) if model.asked == input => {
            ui.colored_label(theme::alert(ui), in_window(problem));
            return;
        }
        _ => (None, [].as_slice()),
    };
    ui.horizontal_top(|ui| {
        ui.set_min_height(HEIGHT);
        if let Some(texture) = texture {
            ui.image(SizedTexture::from_handle(texture)).on_hover_text("The first frame");
        }
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            ui.add(Label::new(name_of(input)).truncate()).on_hover_text(input);
            lines.iter().for_each(|line| drop(sub_ui(ui, line)));
        });
    });
}

/// The frame, scaled down by leaving out pixels.
fn thumbnail(format: PixelFormat, dimensions: Dimensions, frame: &[u8]) -> ColorImage {
    let (width, height) = (dimensions.width as usize, dimensions.height as usize);
    let step = width.max(height).div_ceil(MAX_SIDE).max(1);
    let (columns, rows) = (width.div_ceil(step), height.div_ceil(step));
    let pixels = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (column * step, row * step)))
        .map(|(x, y)| colour(format, dimensions, frame, x, y))
        .collect();
    ColorImage::new([columns, rows], pixels)
}

/// Colour of one pixel; black where the frame ends too early.
fn colour(format: PixelFormat, dimensions: Dimensions, frame: &[u8], x: usize, y: usize) -> Color32 {
    let planes = format.planes(dimensions);
    let at = |plane: usize, column: usize, row: usize| {
        let begin: usize = planes[..plane].iter().map(|before| before.row_bytes * before.rows).sum();
        frame.get(begin + row * planes[plane].row_bytes + column).copied().unwrap_or_default()
    };
    match format {
        PixelFormat::Argb => Color32::from_rgb(at(0, 4 * x + 2, y), at(0, 4 * x + 1, y), at(0, 4 * x, y)),
        PixelFormat::Nv12 => from_yuv(at(0, x, y), at(1, x & !1, y / 2), at(1, x | 1, y / 2)),
        PixelFormat::I420 => from_yuv(at(0, x, y), at(1, x / 2, y / 2), at(2, x / 2, y / 2)),
        // The upper 8 of 10 bits are the second byte of a sample.
        PixelFormat::P010 => {
            let pair = 4 * (x / 2);
            from_yuv(at(0, 2 * x + 1, y), at(1, pair + 1, y / 2), at(1, pair + 3, y / 2))
        }
        PixelFormat::Yuv444 => from_yuv(at(0, x, y), at(1, x, y), at(2, x, y)),
    }
}

/// ITU-R BT.601, limited range.
fn from_yuv(luma: u8, cb: u8, cr: u8) -> Color32 {
    let (luma, cb, cr) = (1.164 * (f32::from(luma) - 16.0), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    Color32::from_rgb(byte(luma + 1.596 * cr), byte(luma - 0.392 * cb - 0.813 * cr), byte(luma + 2.017 * cb))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A red picture in each layout is red, in its right shape.
    #[test]
    fn a_red_frame_is_red_in_every_format() {
        let dimensions = Dimensions { width: 640, height: 360 };
        for format in PixelFormat::ALL {
            let mut frame = vec![0; format.frame_bytes(dimensions)];
            let luma = 640 * 360;
            match format {
                PixelFormat::Argb => frame.chunks_exact_mut(4).for_each(|pixel| pixel[2] = 255),
                PixelFormat::Nv12 => {
                    frame[..luma].fill(81);
                    frame[luma..].chunks_exact_mut(2).for_each(|pair| pair.copy_from_slice(&[90, 240]));
                }
                PixelFormat::I420 => {
                    frame[..luma].fill(81);
                    frame[luma..luma + luma / 4].fill(90);
                    frame[luma + luma / 4..].fill(240);
                }
                PixelFormat::P010 => {
                    frame[..2 * luma].chunks_exact_mut(2).for_each(|sample| sample.copy_from_slice(&[0xc0, 81]));
                    frame[2 * luma..].chunks_exact_mut(4).for_each(|pair| pair.copy_from_slice(&[0, 90, 0, 240]));
                }
                PixelFormat::Yuv444 => {
                    frame[..luma].fill(81);
                    frame[luma..2 * luma].fill(90);
                    frame[2 * luma..].fill(240);
                }
            }
            let image = thumbnail(format, dimensions, &frame);
            assert_eq!(image.size, [80, 45]);
            for pixel in image.pixels {
                assert!(pixel.r() > 250 && pixel.g() < 5 && pixel.b() < 5, "{format}: {pixel:?}");
            }
        }
    }

    #[test]
    fn y4m_of_every_sampling_says_its_format_and_counts_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        for (chroma, line, frame_bytes) in
            [("420", "8-bit I420", 24), ("420p10", "10-bit P010", 48), ("444", "8-bit YUV444", 48)]
        {
            let path = folder.path().join("clip.y4m");
            let header = format!("YUV4MPEG2 W4 H4 F30:1 C{chroma}\nFRAME\n");
            std::fs::write(&path, [header.as_bytes(), &vec![9; frame_bytes]].concat()).unwrap();
            let found = Preview::of(path.display().to_string()).found.unwrap();
            assert_eq!(lines(&found.info, found.facts.as_ref())[1], line);
            let clip = found.clip();
            assert_eq!(clip.format.frame_bytes(clip.dimensions), frame_bytes, "{chroma}");
        }
    }

    #[test]
    fn an_answer_about_another_input_is_dropped() {
        let ctx = Context::default();
        let mut model = PreviewModel::default();
        let first = model.wants("synthetic:64x64@30").map(Preview::of).unwrap();
        assert!(model.wants("synthetic:64x64@30").is_none());
        let second = model.wants("no-such-clip.y4m").map(Preview::of).unwrap();
        model.take(&ctx, first);
        assert!(model.shown.is_none());
        model.take(&ctx, second);
        assert!(matches!(&model.shown, Some(Shown::Problem(problem)) if problem.contains("no-such-clip.y4m")));
    }
}
