//! The form and the first start without a window, by what they say to someone who cannot see them.

use eframe::egui::accesskit::Role;
use eframe::egui::{Panel, Ui};
use egui_kittest::Harness;
use egui_kittest::kittest::{By, NodeT as _, Queryable as _};

use crate::contract::Codec;
use crate::contract::EngineKind;
use crate::doctor::{Finding, GpuFacts};
use crate::plan::Plan;
use crate::ui::commands::{Command, Purpose};
use crate::ui::theme;
use crate::ui::views::first_start::first_start_ui;
use crate::ui::views::setup::model::{Effort, Setup};
use crate::ui::views::setup::preview::PreviewModel;
use crate::ui::views::setup::ready_plans::ReadyPlan;
use crate::ui::views::setup::view::setup_ui;

const NO_ENGINE: &str = "no encoder engine (NVENC) on this card";

#[derive(Default)]
struct Form {
    setup: Setup,
    preview: PreviewModel,
    queue: Vec<Command>,
}

/// The panel at the width that it has in the smallest window; only commands about the plan are performed.
fn form(setup: Setup) -> Harness<'static, Form> {
    let draw = |ui: &mut Ui, form: &mut Form| {
        let Form { setup, preview, queue } = form;
        Panel::left("setup").resizable(false).exact_size(theme::SETUP_WIDTH).show(ui, |ui| {
            setup_ui(ui, setup, preview, false, queue);
        });
        for command in queue.drain(..) {
            if let Command::TakeReady(ready) = command {
                setup.take_ready(ready);
            }
        }
    };
    // Tall, so that nothing has to be scrolled to.
    let builder = Harness::builder().with_size([1024.0, 1800.0]).with_context_setup(theme::apply);
    let mut form = builder.build_ui_state(draw, Form { setup, ..Form::default() });
    form.run_steps(3);
    form
}

fn click(form: &mut Harness<'_, Form>, role: Role, label: &str) {
    form.get_by_role_and_label(role, label).click();
    form.run_steps(3);
}

fn with_ffmpeg() -> Setup {
    Setup { ffmpeg: Some(Ok(vec![Codec::H264, Codec::Hevc])), ..Setup::default() }
}

fn finding(name: &str, works: bool, brief: &str) -> Finding {
    let card = if name == "cuda:0" { "NVIDIA H100 80GB HBM3" } else { "NVIDIA GeForce RTX 4090" };
    let facts = GpuFacts { name: card.to_owned(), uuid: String::new(), pci: String::new(), state: String::new() };
    let gpu = name.starts_with("cuda").then_some(facts);
    let engine = gpu.as_ref().map(|_| EngineKind::Nvenc);
    Finding { name: name.to_owned(), engine, gpu, works, detail: String::new(), brief: brief.to_owned() }
}

#[test]
fn why_a_gpu_cannot_be_used_is_in_sight() {
    let mut setup = Setup::default();
    setup.devices.found(vec![finding("cuda:0", false, NO_ENGINE)]);
    let form = form(setup);
    form.get_by_label("NVIDIA H100 80GB HBM3: no encoder engine (NVENC) on this card");
    form.get_by_label("Times are modelled, not measured on a GPU.");

    let mut bare = Setup::default();
    bare.devices.found(vec![finding("libcuda", false, "No NVIDIA driver found on this computer")]);
    let bare = self::form(bare);
    bare.get_by_label("No NVIDIA driver found on this computer");
}

#[test]
fn a_gpu_that_works_can_be_chosen_and_one_that_does_not_cannot() {
    let mut setup = Setup::default();
    let works = finding("cuda:1", true, "H.264, HEVC, AV1 · 2 engines · up to 4 B-frames");
    setup.devices.found(vec![finding("cuda:0", false, NO_ENGINE), works]);
    let mut form = form(setup);
    click(&mut form, Role::ComboBox, "Device");
    assert!(form.get_by_role_and_label(Role::Button, "H100 80GB HBM3").accesskit_node().is_disabled());
    click(&mut form, Role::Button, "RTX 4090");
    assert_eq!(form.state().setup.plan.device, "cuda:1");
    assert!(form.query_by_label("Times are modelled, not measured on a GPU.").is_none());
    assert!(form.query_by_role_and_label(Role::Button, "RTX 4090").is_none(), "the list is closed");
}

#[test]
fn ffmpeg_is_a_check_box_and_the_footer_counts_its_runs() {
    let mut form = form(with_ffmpeg());
    form.get_by_label_contains("96–312 runs of 300 frames");
    click(&mut form, Role::CheckBox, "Compare with FFmpeg");
    let names: Vec<_> = form.state().setup.plan().baselines.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["ffmpeg"]);
    // Eight cases of ours, the same as processes, and FFmpeg, twelve times each.
    form.get_by_label_contains("204–510 runs of 300 frames");
    assert!(!form.get_by_role_and_label(Role::Button, "Run the sweep").accesskit_node().is_disabled());
    click(&mut form, Role::CheckBox, "AV1");
    form.get_by_label_contains("no av1_nvenc");
    assert!(form.get_by_role_and_label(Role::Button, "Run the sweep").accesskit_node().is_disabled());
    click(&mut form, Role::CheckBox, "Compare with FFmpeg");
    assert_eq!(form.state().setup.plan().baselines, []);
}

#[test]
fn where_ffmpeg_cannot_be_compared_with_the_box_says_why() {
    let why = "this ffmpeg has no NVENC encoder: install a build with h264_nvenc";
    let mut form = form(Setup { ffmpeg: Some(Err(why.to_owned())), ..Setup::default() });
    assert!(form.get_by_role_and_label(Role::CheckBox, "Compare with FFmpeg").accesskit_node().is_disabled());
    form.get_by_label(why);
    // A plan that came with it can be freed of it.
    form.state_mut().setup.set_ffmpeg(true);
    form.run_steps(3);
    assert_eq!(form.query_all_by_label(why).count(), 1);
    click(&mut form, Role::CheckBox, "Compare with FFmpeg");
    assert_eq!(form.state().setup.problems(), []);
}

#[test]
fn a_ready_plan_fills_the_form_and_leaves_the_clip() {
    let mut setup = with_ffmpeg();
    setup.plan.input = "clip.mp4".to_owned();
    let mut form = form(setup);
    click(&mut form, Role::ComboBox, "Plan");
    form.get_by_label("Plan file path");
    click(&mut form, Role::Button, "Quick look");
    assert_eq!(form.state().setup.ready(), Some(ReadyPlan::QuickLook));
    let plan = form.state().setup.plan();
    assert_eq!((plan.input.as_str(), plan.reap_thresholds.as_slice()), ("clip.mp4", &[1, 4][..]));
    assert_eq!(form.state().setup.effort(), Some(Effort::Quick));
    assert_eq!(form.get_by_role_and_label(Role::ComboBox, "Plan").value().as_deref(), Some("Quick look"));
    click(&mut form, Role::Button, "Remove 4 frames in flight");
    assert_eq!(form.get_by_role_and_label(Role::ComboBox, "Plan").value().as_deref(), Some("Own settings"));
}

#[test]
fn chips_are_in_order_whatever_the_plan_says() {
    let mut setup = Setup::default();
    setup.take_plan(&Plan { reap_thresholds: vec![16, 1, 4], ..Plan::default() });
    let form = form(setup);
    let x = |threshold: u32| form.get_by_label(&format!("Remove {threshold} frames in flight")).rect().left();
    assert!(x(1) < x(4) && x(4) < x(16));
}

/// The panel's width may not depend on what is unfolded, long, or wrong.
#[test]
fn nothing_leaves_the_panel() {
    let mut setup = with_ffmpeg();
    let long =
        "cannot be opened: the driver said something that nobody has seen before and that takes quite a few words";
    setup.devices.found(vec![finding("cuda:0", false, long)]);
    setup.plan.device = "cuda:0".to_owned();
    setup.plan.input = format!("{}.mp4", "a-very-long-file-name-of-a-clip-".repeat(5));
    setup.plan.pools = vec![2];
    setup.plan.codecs.push(Codec::Av1);
    setup.plan.baselines =
        vec!["ffmpeg".parse().unwrap(), "ffmpeg:-delay 0 -surfaces 8 -rc-lookahead 4".parse().unwrap()];
    setup.plan.rate_control = crate::contract::RateControl::Vbr { bitrate_bps: 5_000_000, max_bitrate_bps: 1 };
    let mut form = form(setup);
    for fold in ["Rate, GOP, B-frames", "Pool, FFmpeg options", "Advanced"] {
        click(&mut form, Role::Button, fold);
    }
    form.get_by_label("buffer pairs");
    form.get_by_role_and_label(Role::SpinButton, "Processes");
    let texts = By::new().predicate(|node| {
        matches!(
            node.role(),
            Role::Label | Role::Button | Role::TextInput | Role::CheckBox | Role::ComboBox | Role::SpinButton
        )
    });
    let mut num_texts = 0;
    for node in form.query_all(texts) {
        let (rect, name) = (node.rect(), node.accesskit_node().label().or(node.accesskit_node().value()));
        assert!(rect.left() >= 0.0 && rect.right() <= theme::SETUP_WIDTH, "{name:?} at {rect}");
        num_texts += 1;
    }
    assert!(num_texts > 50, "{num_texts}");
}

fn first_start(setup: Setup) -> Harness<'static, Form> {
    let draw = |ui: &mut Ui, form: &mut Form| first_start_ui(ui, None, &form.setup, true, &mut form.queue);
    let builder = Harness::builder().with_size([700.0, 500.0]).with_context_setup(theme::apply);
    let mut start = builder.build_ui_state(draw, Form { setup, ..Form::default() });
    start.run_steps(2);
    start
}

#[test]
fn the_first_start_has_a_way_to_begin_for_each_question() {
    let mut start = first_start(with_ffmpeg());
    for (role, name) in [
        (Role::Button, "Try it on the built-in model"),
        (Role::Button, "Use my clip…"),
        (Role::Button, "Use the sample clip"),
        (Role::Link, "Compare with FFmpeg…"),
    ] {
        click(&mut start, role, name);
    }
    let asked = std::mem::take(&mut start.state_mut().queue);
    let expected = [Command::TryModel, Command::Pick(Purpose::Input), Command::UseSample, Command::CompareWithFfmpeg];
    assert_eq!(asked, expected);

    start.state_mut().setup.take_ready(ReadyPlan::WithFfmpeg);
    start.run_steps(2);
    assert!(start.query_by_label_contains("FFmpeg is in the plan").is_some());
    let without = first_start(Setup { ffmpeg: Some(Err("no ffmpeg found".to_owned())), ..Setup::default() });
    assert!(without.query_by_label_contains("no ffmpeg found").is_some());
    assert!(without.query_by_label("Compare with FFmpeg…").is_none());
}

#[test]
fn a_gpu_without_an_encoder_can_be_chosen_for_its_decoder() {
    let mut setup =
        Setup { plan: Plan { device: "cuda:0".to_owned(), b_frames: 2, ..Plan::default() }, ..with_ffmpeg() };
    setup.set_ffmpeg(true);
    let encoder = finding("cuda:0", false, NO_ENGINE);
    let decoder =
        Finding { engine: Some(EngineKind::Nvdec), works: true, ..finding("cuda:0", true, "H.264 · 7 engines") };
    setup.devices.found(vec![encoder, decoder]);
    let mut form = form(setup);
    form.get_by_label_contains("cuda:0 cannot be used: no encoder engine");
    click(&mut form, Role::Button, "Decoder");
    let setup = &mut form.state_mut().setup;
    assert_eq!(setup.problems().len(), 1, "there is no clip: {:?}", setup.problems());
    setup.plan.input = "clip.mp4".to_owned();
    assert_eq!(setup.problems(), []);
    assert_eq!((&setup.plan().baselines[..], setup.plan().b_frames), (&[][..], 0));
    form.run_steps(2);
    for other in ["Preset", "Compare with FFmpeg"] {
        assert_eq!(form.query_all_by_label(other).count(), 0, "{other}");
    }
    click(&mut form, Role::Button, "Encoder");
    assert_eq!(form.state().setup.plan().check(), Ok(()));
    assert!(form.query_all_by_label("Preset").count() > 0);
}
