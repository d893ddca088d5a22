//! The sample clip: carried in the program, so that one file is enough to install; written where ffmpeg can open it once
//! somebody chooses it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::replace;

/// Ten seconds that anybody may use; assets/README.md says how they were made.
const CLIP: &[u8] = include_bytes!("../../../../assets/sample-clip.mp4");
const NAME: &str = "sample-clip.mp4";

/// The clip as a file. It stays there: a plan and a session name it by its path.
///
/// # Errors
/// It cannot be written.
pub(in crate::ui) fn sample_clip() -> Result<PathBuf, String> {
    let folder = eframe::storage_dir("inflight").unwrap_or_else(std::env::temp_dir);
    clip_in(&folder).map_err(|error| {
        format!(
            "cannot write the sample clip to {}: {error}; free some space, or use a clip of your own",
            folder.display()
        )
    })
}

/// Another version's clip of the same name is replaced.
fn clip_in(folder: &Path) -> io::Result<PathBuf> {
    let path = folder.join(NAME);
    if !fs::read(&path).is_ok_and(|there| there == CLIP) {
        fs::create_dir_all(folder)?;
        replace(&path, CLIP)?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{media_facts, open};

    #[test]
    fn the_clip_is_written_once_and_holds_the_frames_of_a_run() {
        let dir = tempfile::tempdir().unwrap();
        let path = clip_in(&dir.path().join("new")).unwrap();
        let written = path.metadata().unwrap().modified().unwrap();
        assert_eq!(clip_in(&dir.path().join("new")).unwrap(), path);
        assert_eq!(path.metadata().unwrap().modified().unwrap(), written);
        fs::write(&path, b"older").unwrap();
        clip_in(&dir.path().join("new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), CLIP);
        assert_eq!(media_facts(&path).unwrap().frames, Some(300));
        let mut source = open(&path.display().to_string().parse().unwrap()).unwrap();
        let mut frame = vec![0; source.info().frame_bytes()];
        let mut num_frames = 0;
        while source.next_frame(&mut frame).unwrap() {
            num_frames += 1;
        }
        assert_eq!(num_frames, 300);
    }

    #[test]
    fn a_folder_that_cannot_be_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(clip_in(file.path()).is_err());
    }
}
