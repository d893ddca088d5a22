//! `inflight compare`: judges two sides by the criteria, as text, JSON, report and exit code.

use std::io::Write;

use serde_json::json;

use super::args::{CompareArgs, CriteriaArgs, FailOn};
use super::exit::{Exit, Failure};
use super::{outputs, print_json, report};
use crate::files::read_small;
use crate::record::Client;
use crate::report::Subject;
use crate::session::Session;
use crate::shell::shell_word;
use crate::stats::runs::selector::Selector;
use crate::stats::runs::summary::{Group, RunOnDevice, RunSummary};
use crate::stats::verdict::comparison::{Allowances, CodecComparison, Comparison, Side, compare as judge, thin_text};
use crate::stats::verdict::criteria::{Criteria, Verdict};
use crate::stats::verdict::effects::Effect;
use crate::units;

pub(super) fn compare(args: &CompareArgs) -> Result<Exit, Failure> {
    let before: Selector = args.before.parse().map_err(Failure::usage)?;
    let after: Selector = args.after.parse().map_err(Failure::usage)?;
    let [before_session, after_session] = report::open_both(&before.session, &after.session)?;
    let criteria = criteria(args, after_session.manifest.plan.criteria)?;
    let (before_name, after_name) = (before.session.display().to_string(), after.session.display().to_string());
    let before = before_session.side(&before_name, before.filter);
    let after = after_session.side(&after_name, after.filter);
    let allow = Allowances {
        device_kind: args.allow_virtual_against_real,
        input: args.allow_different_input,
        settings: args.allow_different_settings,
    };
    let comparison = judge(&before, &after, &criteria, allow).map_err(Failure::usage)?;
    let report_path: Vec<_> = args.report.as_deref().into_iter().collect();
    outputs::check(&report_path, args.json)?;
    if args.json {
        print_json(&as_json(&comparison, &before, &after)?)?;
    } else {
        let out = &mut outputs::prose(&report_path);
        tell_people(out, &comparison)?;
        offer_more(out, &comparison, &[&before_session, &after_session])?;
    }
    // Last: a report that cannot be written does not cost the verdict on the screen.
    if let Some(path) = &args.report {
        let before = (before_session.dir != after_session.dir).then_some(&before_session);
        let analysis = after_session.analysis().map_err(Failure::usage)?;
        let subject = Subject { session: &after_session, analysis: &analysis, before, comparison: Some(&comparison) };
        report::write_report(subject, path)?;
    }
    Ok(match comparison.verdict {
        Verdict::Pass => Exit::Done,
        Verdict::Fail => Exit::NotMet,
        Verdict::Inconclusive | Verdict::NotComparable if args.fail_on == FailOn::Inconclusive => Exit::NotMet,
        Verdict::Inconclusive | Verdict::NotComparable => Exit::Inconclusive,
    })
}

/// Much more than there are criteria.
const MAX_CRITERIA_BYTES: u64 = 1 << 20;

/// `usual`: those of the after side's plan.
fn criteria(args: &CompareArgs, usual: Criteria) -> Result<Criteria, Failure> {
    let mut criteria = match &args.criteria {
        None => usual,
        Some(path) => {
            let path_text = path.display();
            let unreadable = |error: std::io::Error| {
                Failure::usage(format!("cannot read criteria: {error}; name a TOML file with --criteria: {path_text}"))
            };
            let text = read_small(path, MAX_CRITERIA_BYTES).map_err(unreadable)?;
            let text = String::from_utf8_lossy(&text);
            Criteria::from_toml(&text).map_err(|error| Failure::usage(format!("{error}: {path_text}")))?
        }
    };
    let CriteriaArgs { min_wall_improvement, min_lock_improvement, min_queue_peak, max_latency_growth, session_drift } =
        args.overrides;
    criteria.session_drift_pct = session_drift.unwrap_or(criteria.session_drift_pct);
    criteria.min_wall_improvement_pct = min_wall_improvement.unwrap_or(criteria.min_wall_improvement_pct);
    criteria.min_lock_improvement_pct = min_lock_improvement.unwrap_or(criteria.min_lock_improvement_pct);
    criteria.min_queue_peak = min_queue_peak.unwrap_or(criteria.min_queue_peak);
    criteria.max_latency_p99_growth_pct = max_latency_growth.unwrap_or(criteria.max_latency_p99_growth_pct);
    criteria.check().map_err(Failure::usage)?;
    Ok(criteria)
}

fn tell_people(out: &mut impl Write, comparison: &Comparison) -> Result<(), Failure> {
    writeln!(out, "{}\n{}", comparison.after.device, comparison.after.input)?;
    for field in &comparison.not_comparable {
        writeln!(out, "not comparable: {field}")?;
    }
    if !comparison.not_comparable.is_empty() {
        writeln!(
            out,
            "Measure both sides with equal settings, or pass --allow-different-settings to compare them anyway."
        )?;
    }
    for warning in &comparison.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    for codec in &comparison.codecs {
        writeln!(
            out,
            "\n{}: {}  (before {}, after {})",
            codec.codec, codec.verdict, codec.before.case, codec.after.case
        )?;
        for result in &codec.criteria {
            let unit = result.name.unit();
            writeln!(
                out,
                "  {:<24} {:>12} → {:<12} {:<14} {}",
                result.title(),
                unit.text_or_none(result.before),
                unit.text_or_none(result.after),
                result.verdict.to_string(),
                result.reason,
            )?;
        }
        for doubt in codec.doubts() {
            writeln!(out, "  doubt: {doubt}. To remove it: {}", doubt.advice())?;
        }
    }
    writeln!(out, "(before → after: medians over the runs; changes are computed round by round)")?;
    for codec in &comparison.codecs {
        tell_effects(out, codec)?;
    }
    writeln!(out, "\nOverall: {}", comparison.verdict)?;
    Ok(())
}

/// What each metric did, the one that the comparison is about first.
fn tell_effects(out: &mut impl Write, codec: &CodecComparison) -> Result<(), Failure> {
    writeln!(
        out,
        "\n{}, all metrics (the first is the primary one, chosen beforehand; the others are exploratory):",
        codec.codec
    )?;
    for effect in &codec.effects {
        let (change, mean, worst) = (effect.interval, mean_text(effect), worst_text(effect));
        let (key, answer) = (effect.metric.key(), effect.answer.to_string());
        writeln!(out, "  {key:<18} {answer:<12} {change}{mean}{worst}; {}", effect.reason)?;
    }
    if let Some(thin) = thin_text(&codec.too_thin) {
        writeln!(out, "  left out: {thin}")?;
    }
    Ok(())
}

/// "; mean −51.0 %"
fn mean_text(effect: &Effect) -> String {
    let text = |mean: f64| format!("; mean {}", units::change_pct(100.0 * (mean - 1.0)));
    effect.mean.map_or_else(String::new, |mean| text(mean.estimate))
}

/// "; worst run +3.1 % → +120.0 % above its median"
fn worst_text(effect: &Effect) -> String {
    let text = |(before, after): (f64, f64)| {
        format!("; worst run {} → {} above its median", units::change_pct(before), units::change_pct(after))
    };
    effect.worst.before_pct.zip(effect.worst.after_pct).map_or_else(String::new, text)
}

/// How to decide what more rounds, or blocks, can decide.
fn offer_more(out: &mut impl Write, comparison: &Comparison, sessions: &[&Session; 2]) -> Result<(), Failure> {
    let most = |ask: fn(&CodecComparison) -> Option<u32>| comparison.codecs.iter().filter_map(ask).max();
    let (blocks, rounds) = (most(CodecComparison::blocks_to_settle), most(CodecComparison::rounds_to_settle));
    let blocks = blocks.map(|blocks| ("blocks", format!("--blocks {blocks}")));
    let Some((unit, option)) = blocks.or(rounds.map(|rounds| ("rounds", format!("--repeat {rounds}")))) else {
        return Ok(());
    };
    // No sweep makes the runs of a program that was only watched.
    let is_watched = |session: &Session| {
        let mut runs = session.summaries.iter();
        session.manifest.plan.baselines.is_empty() && runs.any(|run| matches!(run.case.client, Client::Foreign(_)))
    };
    let swept = sessions.iter().filter(|session| !is_watched(session));
    let mut plans: Vec<_> = swept.map(|session| shell_word(&session.dir.to_string_lossy())).collect();
    plans.dedup();
    if plans.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nA new sweep with this many {unit} has a 90 % chance of deciding what is inconclusive:")?;
    for plan in plans {
        writeln!(out, "  inflight sweep --plan {plan} {option}")?;
    }
    Ok(())
}

/// The comparison as it is, with the runs behind it and, flat, every criterion and group.
fn as_json(comparison: &Comparison, before: &Side<'_>, after: &Side<'_>) -> Result<serde_json::Value, Failure> {
    let criteria: Vec<_> = comparison.codecs.iter().flat_map(|codec| &codec.criteria).collect();
    let groups: Vec<_> = comparison.codecs.iter().flat_map(|codec| [&codec.before, &codec.after]).collect();
    let runs = |side: &Side<'_>, groups: Vec<&Group>| -> Result<Vec<serde_json::Value>, serde_json::Error> {
        let of_group = |run: &&RunSummary| groups.iter().any(|group| group.case == run.case);
        side.runs
            .iter()
            .filter(of_group)
            .map(|run| serde_json::to_value(RunOnDevice { run, device: side.device }))
            .collect()
    };
    let before_runs = runs(before, comparison.codecs.iter().map(|codec| &codec.before).collect());
    let after_runs = runs(after, comparison.codecs.iter().map(|codec| &codec.after).collect());
    let cannot = |error: serde_json::Error| Failure::failed(format!("cannot write the comparison as JSON: {error}"));
    Ok(json!({
        "verdict": comparison.verdict,
        "criteria": criteria,
        "groups": groups,
        "before_runs": before_runs.map_err(cannot)?,
        "after_runs": after_runs.map_err(cannot)?,
        "warnings": comparison.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "comparison": comparison,
    }))
}
