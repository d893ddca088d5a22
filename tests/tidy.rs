//! The repository's own rules, as far as a program can hold files to them.
//!
//! Reads what git tracks; builds nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Which modules of src/ each may use, tests aside; a line further down never stands in a line further up.
const MAY_USE: [(&str, &[&str]); 29] = [
    ("units", &[]),
    ("calls", &[]),
    ("files", &[]),
    ("shell", &[]),
    ("contract", &[]),
    ("record", &["contract"]),
    ("card", &["contract", "record"]),
    ("advice", &["contract", "record"]),
    ("plan", &["contract", "record"]),
    ("memory", &[]),
    ("source", &["contract", "memory", "record", "shell"]),
    ("pipeline", &["calls", "contract", "record"]),
    ("library", &[]),
    ("nvenc", &["calls", "contract", "library", "memory", "pipeline", "record"]),
    ("nvdec", &["calls", "contract", "library", "memory", "pipeline"]),
    ("transcode", &["contract", "memory", "nvdec", "nvenc", "pipeline", "record"]),
    (
        "device",
        &[
            "calls",
            "card",
            "contract",
            "files",
            "library",
            "memory",
            "nvdec",
            "nvenc",
            "pipeline",
            "record",
            "transcode",
        ],
    ),
    ("conformance", &["device", "nvenc"]),
    ("doctor", &["contract", "device", "nvdec", "nvenc", "record"]),
    ("qualify", &["card", "conformance", "contract", "device", "nvdec", "nvenc", "pipeline", "record", "source"]),
    ("stats", &["advice", "contract", "plan", "record", "units"]),
    ("figures", &["contract", "record", "stats", "units"]),
    ("session", &["contract", "files", "plan", "record", "shell", "source", "stats"]),
    ("process", &["contract", "files", "nvenc", "record"]),
    (
        "measure",
        &[
            "calls",
            "contract",
            "device",
            "files",
            "nvdec",
            "nvenc",
            "pipeline",
            "plan",
            "process",
            "record",
            "session",
            "shell",
            "source",
            "stats",
            "transcode",
            "units",
        ],
    ),
    ("report", &["advice", "contract", "figures", "files", "plan", "record", "session", "shell", "stats", "units"]),
    (
        "ui",
        &[
            "advice", "contract", "device", "doctor", "figures", "files", "measure", "plan", "process", "record",
            "report", "session", "source", "stats", "units",
        ],
    ),
    (
        "cli",
        &[
            "card",
            "conformance",
            "contract",
            "device",
            "doctor",
            "files",
            "measure",
            "nvdec",
            "nvenc",
            "pipeline",
            "plan",
            "process",
            "qualify",
            "record",
            "report",
            "session",
            "shell",
            "source",
            "stats",
            "ui",
            "units",
        ],
    ),
    ("main", &["cli"]),
];

/// Words that only some files may say: the word, where it is looked for, who may say it.
const ONLY_IN: [(&str, &str, &[&str]); 7] = [
    (
        "cudarc",
        "",
        &[
            "src/device.rs",
            "src/device/cuda.rs",
            "src/device/cuda_memory.rs",
            "src/device/cuda_nv12.rs",
            "src/device/handles.rs",
            "examples/cuda_upload.rs",
            "examples/nvdec_bare.rs",
        ],
    ),
    (
        "libloading",
        "",
        &[
            "src/library.rs",
            "crates/interposer/src/library.rs",
            "crates/virtual-nvenc-driver/tests/",
            "crates/virtual-cuda/tests/",
            "crates/virtual-nvml/src/driver.rs",
            "crates/virtual-nvml/tests/",
        ],
    ),
    (
        "unsafe",
        "src/",
        &[
            "src/nvenc/",
            "src/nvdec/",
            "src/memory.rs",
            "src/device.rs",
            "src/device/cuda.rs",
            "src/device/cuda_memory.rs",
            "src/device/cuda_nv12.rs",
            "src/device/handles.rs",
            "src/device/host_memory.rs",
            "src/library.rs",
            "src/calls.rs",
            "src/conformance/driver.rs",
        ],
    ),
    ("moq_nvenc", "src/", &["src/nvenc/", "src/nvdec/"]),
    ("eframe", "", &["src/ui/", "tests/gui", "examples/soak.rs", "examples/ui_bench.rs"]),
    ("egui", "", &["src/ui/", "tests/gui", "examples/soak.rs", "examples/ui_bench.rs"]),
    ("rfd", "", &["src/ui/"]),
];

/// Every text file that git tracks, or would once it is added, with its path.
fn tracked() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(root).output();
    let listed = listed.expect("this test needs git: apt install git");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).unwrap();
    let read = |name: &str| Some((name.to_owned(), std::fs::read_to_string(root.join(name)).ok()?));
    let files: Vec<_> = names.lines().filter_map(read).collect();
    assert!(files.iter().any(|(name, _)| name == "src/lib.rs"), "git lists no sources: {names}");
    files
}

fn sources() -> Vec<(String, String)> {
    tracked().into_iter().filter(|(name, _)| name.ends_with(".rs") && name != "tests/tidy.rs").collect()
}

/// The code of a file: no comment lines, and nothing of its unit tests, which stand last.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let own = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    own.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// Does `line` hold `word`, and not merely as a part of a longer one?
fn says(line: &str, word: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_letter) && !line[at + word.len()..].starts_with(is_letter))
}

#[test]
fn files_are_short_and_open_with_what_they_are_for() {
    for (name, text) in sources() {
        assert!(text.lines().count() <= 500, "{name} has {} lines", text.lines().count());
        assert!(text.starts_with("//!"), "{name} does not open with //!");
    }
}

#[test]
fn some_words_have_one_home() {
    for (name, text) in sources() {
        for (word, place, homes) in ONLY_IN {
            let is_home = homes.iter().any(|home| name.starts_with(home));
            if name.starts_with(place) && !is_home {
                let line = code(&text).find(|line| says(line, word));
                assert_eq!(line, None, "{name} says {word}");
            }
        }
    }
}

#[test]
fn modules_use_only_what_lies_below() {
    let allowed: BTreeMap<_, _> = MAY_USE.into();
    for (name, text) in sources() {
        let Some(path) = name.strip_prefix("src/") else { continue };
        let module = path.split(['/', '.']).next().unwrap();
        if module == "lib" {
            continue;
        }
        let may_use = allowed.get(module).unwrap_or_else(|| panic!("src/{module} is not in this test's table"));
        for line in code(&text) {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|&c| c.is_ascii_lowercase() || c == '_').collect();
                assert!(used == module || may_use.contains(&used.as_str()), "{name} may not use '{used}': {line}");
            }
        }
    }
}

#[test]
fn every_member_has_the_workspace_lints() {
    let manifests: Vec<_> = tracked().into_iter().filter(|(name, _)| name.ends_with("Cargo.toml")).collect();
    assert!(manifests.len() >= 2);
    // What is fuzzed is built by another compiler, outside the workspace.
    for (name, text) in manifests.into_iter().filter(|(name, _)| !name.starts_with("tests/fuzz/")) {
        let manifest: toml::Table = text.parse().unwrap();
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(lints, Some(&toml::Value::Boolean(true)), "{name}");
    }
}

#[test]
fn nothing_names_this_machine_or_leaves_work_unnamed() {
    // Put together here, so that this file does not hold them.
    let places = ["home", "root", "work", "Users"].map(|place| format!("/{place}/"));
    let registries = ["index.crates", "static.crates"].map(|host| format!("{host}.io"));
    let lock = include_str!("../Cargo.lock");
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    assert_eq!(lock.lines().find(|line| line.starts_with("source = ") && *line != public), None);
    for (name, text) in tracked().iter().filter(|(name, _)| name != "Cargo.lock") {
        for line in text.lines() {
            for word in places.iter().chain(&registries) {
                assert!(!line.contains(word.as_str()), "{name} names {word}: {line}");
            }
            assert!(!says(line, concat!("TO", "DO")) || line.contains('#'), "{name}: no issue named: {line}");
        }
    }
}

#[test]
fn what_is_made_up_for_tests_is_compiled_for_tests_only() {
    let mut num_found = 0;
    for (name, text) in sources().into_iter().filter(|(name, _)| name.starts_with("src/") || name.contains("/src/")) {
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        for pair in
            lines.windows(2).filter(|pair| ["mod fixture;", "mod tests;"].iter().any(|it| pair[1].ends_with(it)))
        {
            num_found += 1;
            assert!(pair[0].starts_with("#[cfg(") && pair[0].contains("test"), "{name}: {}", pair[1]);
        }
    }
    assert!(num_found > 5, "only {num_found} were found to look at");
}

/// The folders of `stats` in the order in which they may use each other.
const STATS: [&str; 5] = ["math", "runs", "evidence", "verdict", "analysis"];

#[test]
fn the_folders_of_stats_use_only_those_before_them() {
    for (name, text) in sources() {
        let Some(folder) = name.strip_prefix("src/stats/").and_then(|path| path.split(['/', '.']).next()) else {
            continue;
        };
        let Some(place) = STATS.iter().position(|known| *known == folder) else { continue };
        for line in code(&text) {
            for used in line.split("stats::").skip(1) {
                let used: String = used.chars().take_while(|&c| c.is_ascii_lowercase() || c == '_').collect();
                let used_place = STATS.iter().position(|known| *known == used);
                assert!(used_place.is_none_or(|used| used <= place), "{name} may not use '{used}': {line}");
            }
        }
    }
}

/// What is drawn by views and widgets must not depend on the window that holds them.
#[test]
fn views_and_widgets_never_use_the_app() {
    let mut num_looked_at = 0;
    for (name, text) in sources() {
        let is_view = name.starts_with("src/ui/views/");
        if !is_view && !name.starts_with("src/ui/widgets/") {
            continue;
        }
        num_looked_at += 1;
        for line in code(&text) {
            assert!(!line.contains("ui::app"), "{name} uses the app: {line}");
            assert!(is_view || !line.contains("ui::views"), "{name} uses a view: {line}");
        }
    }
    assert!(num_looked_at > 20, "{num_looked_at}");
}

/// The file that a path such as `crate::stats::runs::metrics::Metric` lies in, from all that there are.
fn file_of(path: &str, root: &str, files: &BTreeMap<String, String>) -> Option<String> {
    let words: Vec<&str> = path.split("::").collect();
    (1..=words.len()).rev().find_map(|num| {
        let base = format!("{root}{}", words[..num].join("/"));
        [format!("{base}.rs"), format!("{base}/mod.rs")].into_iter().find(|file| files.contains_key(file))
    })
}

/// Which files each file of a package imports. A folder's own file and those in it are one thing, so what these take from
/// it by `super` is left out.
fn imports(root: &str, files: &BTreeMap<String, String>) -> BTreeMap<String, Vec<String>> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut all = BTreeMap::new();
    for (name, text) in files {
        let folder = name.strip_prefix(root).unwrap_or(name).trim_end_matches(".rs").trim_end_matches("/mod");
        let parent = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
        let mut found = Vec::new();
        for line in code(text) {
            let of_crate = line.split("crate::").skip(1).map(|rest| rest.to_owned());
            let own = line.split("super::").skip(1).map(|rest| format!("{}::{rest}", parent.replace('/', "::")));
            for path in of_crate.chain(own) {
                let path: String = path.trim_start_matches("::").chars().take_while(|&c| is_path(c)).collect();
                let used = file_of(path.trim_end_matches(':'), root, files);
                let is_family = |used: &String| {
                    let used = used.strip_prefix(root).unwrap_or(used).trim_end_matches(".rs").trim_end_matches("/mod");
                    folder == used || folder.starts_with(&format!("{used}/"))
                };
                found.extend(used.filter(|used| !is_family(used)));
            }
        }
        all.insert(name.clone(), found);
    }
    all
}

#[test]
fn no_file_imports_itself_by_way_of_others() {
    for root in ["src/", "crates/virtual-nvenc/src/", "crates/virtual-cuda/src/", "crates/interposer/src/"] {
        let files: BTreeMap<_, _> = sources().into_iter().filter(|(name, _)| name.starts_with(root)).collect();
        let mut imports = imports(root, &files);
        assert!(imports.values().map(Vec::len).sum::<usize>() > 5, "{root}: the imports are not found");
        // Whatever imports nothing that is left is in no circle.
        loop {
            let free: Vec<_> =
                imports.iter().filter(|(_, used)| used.is_empty()).map(|(name, _)| name.clone()).collect();
            if free.is_empty() {
                break;
            }
            free.iter().for_each(|name| drop(imports.remove(name)));
            imports.values_mut().for_each(|used| used.retain(|name| !free.contains(name)));
        }
        assert!(imports.is_empty(), "in a circle, or imported by one: {imports:#?}");
    }
}
