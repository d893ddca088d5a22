//! Noise floors, stored as `noise-floor.json` in the folder of a calibration.
//!
//! A floor applies to sessions beside the calibration whose stable facts are the same. `stats::evidence::noise_floor`
//! computes it; this module stores and finds it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::reader::tame;
use super::{Manifest, SessionError};
use crate::files::{read_small, replace};
use crate::stats::evidence::change::ChangeInterval;
use crate::stats::evidence::noise_floor::{Floor, NoiseFloor};

/// A floor has some hundred bytes, a codec and metric.
const MAX_NOISE_BYTES: u64 = 1 << 24;
pub(super) const NOISE_FILE: &str = "noise-floor.json";

/// The facts that a noise floor depends on, by name. Stable facts only: no clock readings, free memory or program version.
pub fn facts(manifest: &Manifest) -> BTreeMap<String, String> {
    let Manifest { plan, input, device, environment, .. } = manifest;
    let facts: [(&str, String); 18] = [
        ("device", format!("{} {}", words(&device.kind), device.name)),
        ("driver", device.driver.clone()),
        ("system", environment.os.clone()),
        ("processor", environment.cpu.clone()),
        ("logical processors", environment.num_cpus.to_string()),
        ("memory_gib", (environment.memory_mib / 1024).to_string()),
        ("optimised build", environment.optimised_build.to_string()),
        ("format", input.format.to_string()),
        ("size", input.dimensions.to_string()),
        ("frames", input.frames.to_string()),
        ("digest", input.digest.clone()),
        ("preset", words(&plan.preset)),
        ("tuning", words(&plan.tuning)),
        ("rate control", words(&plan.rate_control)),
        ("gop", words(&plan.gop_length)),
        ("b_frames", plan.b_frames.to_string()),
        ("host_work_us", plan.host_work_us.to_string()),
        ("pace_fps", words(&plan.pace_fps)),
    ];
    facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect()
}

/// As the plan's file spells it.
fn words(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// XXH3-64 in hex over the facts.
fn fingerprint(facts: &BTreeMap<String, String>) -> String {
    let text: String = facts.iter().map(|(name, fact)| format!("{name}={fact}\n")).collect();
    format!("{:016x}", xxh3_64(text.as_bytes()))
}

/// Writes the noise floors that the calibration in `dir` measured.
///
/// # Errors
/// The folder cannot be written to.
pub fn save_noise_floor(
    dir: &Path,
    manifest: &Manifest,
    floors: Vec<Floor>,
    watching: Option<ChangeInterval>,
) -> Result<NoiseFloor, SessionError> {
    let facts = facts(manifest);
    let session = dir.display().to_string();
    let noise = NoiseFloor { fingerprint: fingerprint(&facts), facts, session, floors, watching };
    let path = dir.join(NOISE_FILE);
    let write = || replace(&path, &serde_json::to_vec_pretty(&noise)?);
    write().map_err(|source| SessionError::write(&path, source))?;
    Ok(noise)
}

/// The newest floor beside session `dir` that was measured under the same facts as in `manifest`. A file that cannot be
/// understood is ignored: the margin is then the smallest one, and is shown as such.
pub fn noise_floor(dir: &Path, manifest: &Manifest) -> Option<NoiseFloor> {
    // However the folder was named: "." has no parent to look at.
    let dir = fs::canonicalize(dir).ok()?;
    let folder = dir.parent()?;
    let wanted = fingerprint(&facts(manifest));
    let made = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let files = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path().join(NOISE_FILE)));
    let read = |path: &Path| {
        let mut noise = serde_json::from_slice(&read_small(path, MAX_NOISE_BYTES).ok()?).ok()?;
        tame(&mut noise);
        serde_json::from_value::<NoiseFloor>(noise).ok()
    };
    let fitting = files.filter_map(|path| Some((made(&path), read(&path)?)));
    fitting.filter(|(_, noise)| noise.fingerprint == wanted).max_by_key(|(made, _)| *made).map(|(_, noise)| noise)
}
