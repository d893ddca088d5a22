//! Names of files, and the one way to write an output.

mod input;
mod output;

use std::path::{Path, PathBuf};

pub use input::{open_regular, read_small};
pub use output::{OutputFile, WORKING_PREFIX, is_same, is_standard_output, replace, sync_folder, write_whole};

/// The longest name that common file systems take.
const MAX_NAME_BYTES: usize = 255;

/// The folder that a path names a file in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `path`, or the first of `plan-2.json`, `plan-3.json`… that nobody has taken.
pub fn free_name(path: &Path) -> PathBuf {
    numbered(path).find(|path| !path.exists()).unwrap_or_else(|| path.to_owned())
}

/// `plan.json`, `plan-2.json`, `plan-3.json`…
pub fn numbered(path: &Path) -> impl Iterator<Item = PathBuf> {
    let stem = path.file_stem().unwrap_or_default().to_owned();
    let ending = path.extension().map(ToOwned::to_owned);
    let with_number = move |number: u32| {
        let mut name = stem.clone();
        name.push(format!("-{number}"));
        if let Some(ending) = &ending {
            name.push(".");
            name.push(ending);
        }
        name
    };
    let folder = path.to_owned();
    std::iter::once(path.to_owned()).chain((2..).map(move |number| folder.with_file_name(with_number(number))))
}

/// A file's name of `stem` and `ending`, the stem cut where the whole would be longer than disks take; then a digest of the
/// stem keeps names apart that begin alike.
pub fn fitting_name(stem: &str, ending: &str) -> String {
    let room = MAX_NAME_BYTES.saturating_sub(ending.len());
    if stem.len() <= room {
        return format!("{stem}{ending}");
    }
    let digest = format!("-{:08x}", xxhash_rust::xxh3::xxh3_64(stem.as_bytes()) >> 32);
    let cut = stem.floor_char_boundary(room.saturating_sub(digest.len()));
    format!("{}{digest}{ending}", &stem[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_before_the_ending() {
        let names: Vec<_> = numbered(Path::new("a/plan.json")).take(3).collect();
        assert_eq!(names, ["a/plan.json", "a/plan-2.json", "a/plan-3.json"].map(PathBuf::from));
        assert_eq!(numbered(Path::new("sweep")).nth(1), Some(PathBuf::from("sweep-2")));
    }

    #[test]
    fn a_name_that_is_too_long_is_cut_and_stays_apart() {
        assert_eq!(fitting_name("report", "-h264.svg"), "report-h264.svg");
        let [one, other] = ["ü写"; 2].map(|word| word.repeat(70));
        let (one, other) = (fitting_name(&one, ".svg"), fitting_name(&(other + "x"), ".svg"));
        assert!(one.len() <= MAX_NAME_BYTES && one.ends_with(".svg") && one != other, "{one}");
    }
}
