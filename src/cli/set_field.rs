//! `--set KEY=VALUE`: any field of a plan by its name, which no option of its own is needed for.

use crate::plan::Plan;

/// `plan` with every field changed that a word names.
///
/// # Errors
/// A word is not KEY=VALUE, the plan has no such field, or the field does not take the value.
pub(super) fn with_fields_set(plan: Plan, words: &[String]) -> Result<Plan, String> {
    words.iter().try_fold(plan, |plan, word| set_field(&plan, word))
}

/// The value is JSON, or a list with commas, or a word.
fn set_field(plan: &Plan, word: &str) -> Result<Plan, String> {
    let (key, text) = word
        .split_once('=')
        .ok_or_else(|| format!("--set {word} is not KEY=VALUE: write for example --set looks=20,40"))?;
    let scalar = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.to_owned()));
    let whole = scalar(text);
    let list = || serde_json::Value::Array(text.split(',').filter(|part| !part.is_empty()).map(scalar).collect());
    let with = |value: serde_json::Value| -> Result<Plan, String> {
        let mut fields = serde_json::to_value(plan).map_err(|error| error.to_string())?;
        let mut at = &mut fields;
        // A dot goes into a field that has fields of its own.
        for part in key.split('.') {
            if at.is_null() {
                *at = serde_json::json!({});
            }
            let inner = at.as_object_mut().ok_or_else(|| format!("it has no field {part}"))?;
            at = inner.entry(part).or_insert(serde_json::Value::Null);
        }
        *at = value;
        serde_json::from_value(fields).map_err(|error| error.to_string())
    };
    // A word may look like a number.
    let word = || serde_json::Value::String(text.to_owned());
    let lists_and_words = || with(list()).or_else(|_| with(word()));
    with(whole).or_else(|error| lists_and_words().map_err(|_| format!("cannot set {key} to {text}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{BReference, SplitEncoding};
    use crate::plan::Goal;

    #[test]
    fn any_field_of_a_plan_can_be_set() {
        let plan = Plan::default();
        let set = |word| set_field(&plan, word);
        assert_eq!(set("looks=15").unwrap().looks, [15]);
        assert_eq!(set("looks=30,60").unwrap().looks, [30, 60]);
        assert!(set("looks=").unwrap().looks.is_empty());
        assert_eq!(set("order_seed=7").unwrap().order_seed, Some(7));
        assert_eq!(set("goal={\"live\":{\"budget_ms\":25}}").unwrap().goal, Goal::Live { budget_ms: Some(25.0) });
        assert_eq!(set("criteria.min_wall_improvement_pct=-2").unwrap().criteria.min_wall_improvement_pct, -2.0);
        assert_eq!(set("device=virtual:ada").unwrap().device, "virtual:ada");
        assert_eq!(set("b_reference=middle").unwrap().b_reference, Some(BReference::Middle));
        assert_eq!(set("split_encode=2").unwrap().split_encode, SplitEncoding::Two);
        for bad in ["looks", "luks=3", "frames=many", "frames=-1", "frames.looks=1"] {
            let error = set(bad).unwrap_err();
            assert!(error.contains("looks") || error.contains("frames") || error.contains("luks"), "{error}");
        }
    }
}
