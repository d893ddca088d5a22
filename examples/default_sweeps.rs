//! How often a default sweep of the published case ends with an answer that can be used, and how often with a wrong one:
//! `cargo run --release --example default_sweeps -- 40 [--busy]`, about 25 seconds a sweep.
//!
//! Sweeps one after the other into a temporary folder, as `inflight sweep` makes them; with `--busy` while another process
//! keeps one processor busy. An answer is wrong if, by the medians of all these sweeps together, another case that no sweep
//! refused is faster than the one named by more than its margin (2 %). Announced and real durations are compared too.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use inflight::measure::estimate::Estimate;
use inflight::measure::recording::Recording;
use inflight::measure::schedule::Forecast;
use inflight::measure::sweep::Event;
use inflight::plan::Plan;
use inflight::record::Case;
use inflight::session::{Session, SessionPlace};
use inflight::stats::analysis::{Answer, AnswerState};
use inflight::stats::verdict::recommendation::Standing;

/// What the example does when it is started as the process that keeps a processor busy.
const SPIN: &str = "--spin";

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == SPIN) {
        loop {
            std::hint::spin_loop();
        }
    }
    let num: usize = words.iter().find_map(|word| word.parse().ok()).unwrap_or(40);
    let is_busy = words.iter().any(|word| word == "--busy");
    let spinning = if is_busy { Some(Spinning::start()?) } else { None };
    let folder = tempfile::tempdir()?;
    let mut swept = Vec::new();
    for idx in 0..num {
        let one = sweep(&folder.path().join(idx.to_string()))?;
        let rest = one.rest.map_or_else(String::new, |(expected, real)| {
            format!(
                " (after the first look {:.1} s foretold, {:.1} s real)",
                expected.as_secs_f64(),
                real.as_secs_f64()
            )
        });
        let took_s = one.took.as_secs_f64();
        println!("{:>3}: {took_s:>5.1} s{rest}, {:>3} runs, {}", idx + 1, one.num_runs, one.answer.sentence);
        swept.push(one);
    }
    drop(spinning);
    tell(&swept, is_busy);
    Ok(())
}

struct Swept {
    answer: Answer,
    announced: Estimate,
    took: Duration,
    /// After the first look: expected and real.
    rest: Option<(Duration, Duration)>,
    num_runs: usize,
}

fn sweep(dir: &Path) -> Result<Swept, Box<dyn Error>> {
    let usual = Plan::default();
    let host_work_us = usual.device.parse::<inflight::device::DeviceSpec>()?.suggested_host_work_us();
    let plan = Plan { host_work_us, ..usual };
    let announced = Estimate::of(&plan);
    let start = Instant::now();
    let mut recording = Recording::prepare(plan, "default_sweeps".to_owned(), false, &AtomicBool::new(false))?;
    // After the first look: how long the rest is expected to take, and when that was said.
    let mut foretold = None;
    recording.measure(
        &mut recording.create(&SessionPlace::Named(dir.to_owned()))?,
        &Default::default(),
        &mut |event| {
            if let Event::RunsAhead(Forecast { remaining: Some(remaining), .. }) = event {
                foretold = foretold.or(Some((remaining, Instant::now())));
            }
            Ok(())
        },
    )?;
    let took = start.elapsed();
    let rest = foretold.map(|(remaining, said)| (remaining, said.elapsed()));
    let session = Session::open(dir)?;
    let answer = session.analysis()?.answers.into_iter().next().ok_or("a sweep without an answer")?;
    Ok(Swept { answer, announced, took, rest, num_runs: session.summaries.len() })
}

fn tell(swept: &[Swept], is_busy: bool) {
    let mut walls: BTreeMap<Case, Vec<f64>> = BTreeMap::new();
    let mut refused = Vec::new();
    for one in swept.iter().flat_map(|one| &one.answer.recommendation.candidates) {
        walls.entry(one.case).or_default().push(one.wall_ms);
        refused.extend((one.standing == Standing::Refused).then_some(one.case));
    }
    let median = |values: &Vec<f64>| inflight::stats::math::descriptive::median(values).unwrap_or(f64::NAN);
    let best = walls.iter().filter(|(case, _)| !refused.contains(case)).map(|(_, walls)| median(walls));
    let best = best.fold(f64::INFINITY, f64::min);
    let allowed = |answer: &Answer| best * (1.0 + answer.recommendation.margin.pct / 100.0);
    let is_wrong = |answer: &Answer| walls.get(&answer.case).is_none_or(|walls| median(walls) > allowed(answer));
    let of = |state: AnswerState| swept.iter().filter(move |one| one.answer.state == state);
    let (confirmed, likely) = (of(AnswerState::Confirmed).count(), of(AnswerState::Likely).count());
    let wrong = |state: AnswerState| of(state).filter(|one| is_wrong(&one.answer)).count();
    let machine = if is_busy { "one processor busy" } else { "quiet" };
    println!(
        "\n{machine}: of {} default sweeps {confirmed} confirmed ({} wrong), {likely} likely ({} wrong), {} undecided ({} wrong for now), {} refuted",
        swept.len(),
        wrong(AnswerState::Confirmed),
        wrong(AnswerState::Likely),
        of(AnswerState::Undecided).count(),
        wrong(AnswerState::Undecided),
        of(AnswerState::Refuted).count()
    );
    for (case, walls) in &walls {
        println!("  {case}: median wall time {:.1} ms", median(walls));
    }
    let in_range = swept.iter().filter(|one| one.announced.holds(one.took, one.num_runs as u64)).count();
    let rests: Vec<_> = swept.iter().filter_map(|one| one.rest).collect();
    let is_near = |(expected, real): &&(Duration, Duration)| {
        let ratio = expected.as_secs_f64() / real.as_secs_f64();
        (0.75..=1.25).contains(&ratio)
    };
    println!(
        "after the first look the remaining time was foretold within 25 % in {} of {}",
        rests.iter().filter(is_near).count(),
        rests.len()
    );
    println!("announced range of runs and seconds contained what it took in {in_range} of {}", swept.len());
}

/// A process that keeps a processor busy, until it is dropped.
struct Spinning(Child);

impl Spinning {
    fn start() -> std::io::Result<Self> {
        Ok(Self(Command::new(std::env::current_exe()?).arg(SPIN).spawn()?))
    }
}

impl Drop for Spinning {
    fn drop(&mut self) {
        // A process that is gone already needs no end.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
