//! The JSON Schema of a session's files, made from the types that write and read them.

use schemars::JsonSchema;

use crate::record::RunRecord;
use crate::session::Manifest;

/// The files of a session folder, by name.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only the schema of it is asked for")]
struct SessionFiles {
    /// The whole of `manifest.json`.
    #[schemars(rename = "manifest.json")]
    manifest: Manifest,
    /// One line of `runs.jsonl`.
    #[schemars(rename = "runs.jsonl")]
    run: RunRecord,
}

/// The schema as text: an object whose properties are the files, `runs.jsonl` standing for each of its lines.
pub fn json_schema() -> String {
    format!("{:#}\n", schemars::schema_for!(SessionFiles).to_value())
}
