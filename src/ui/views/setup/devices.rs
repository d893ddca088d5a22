//! The devices to choose from: models, which are always there, and the GPUs of this computer, once it was looked at.
//!
//! Names for people, what each can do, and why one cannot be used. Opens nothing.

use crate::contract::EngineKind;
use crate::doctor::{Finding, virtual_profiles};
use crate::ui::words::in_window;

/// All that can be named in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Devices {
    /// Models first.
    pub choices: Vec<DeviceChoice>,
    /// Why there is no GPU among them.
    no_gpu: Option<String>,
}

/// One line of the device list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceChoice {
    /// Its name in a plan.
    pub name: String,
    /// Its name for people, short enough for the closed control.
    pub title: String,
    /// What its name does not say.
    pub about: String,
    encoder: Ability,
    decoder: Ability,
}

/// What one engine of a device can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ability {
    /// In a few words; or why it cannot be used. Empty: not known yet.
    pub brief: String,
    /// Can it be chosen?
    pub works: bool,
}

impl Default for Ability {
    fn default() -> Self {
        Self { brief: String::new(), works: true }
    }
}

impl Default for Devices {
    fn default() -> Self {
        let model = |(name, title, about): (&str, &str, &str)| {
            DeviceChoice::new(format!("virtual:{name}"), format!("{title} (model)"), about.to_owned())
        };
        Self { choices: virtual_profiles().into_iter().map(model).collect(), no_gpu: None }
    }
}

impl DeviceChoice {
    fn new(name: String, title: String, about: String) -> Self {
        Self { name, title, about, encoder: Ability::default(), decoder: Ability::default() }
    }

    /// Of one of its engines.
    pub fn ability(&self, engine: EngineKind) -> &Ability {
        match engine {
            EngineKind::Nvenc => &self.encoder,
            EngineKind::Nvdec => &self.decoder,
            // Both must work: what is said is of the one that does not, or else of the one that decides what goes in.
            EngineKind::Transcode if self.encoder.works => &self.decoder,
            EngineKind::Transcode => &self.encoder,
        }
    }

    fn take(&mut self, engine: Option<EngineKind>, ability: Ability) {
        match engine {
            Some(EngineKind::Nvdec) => self.decoder = ability,
            _ => self.encoder = ability,
        }
    }
}

impl Devices {
    /// Takes up what was found on this computer.
    pub fn found(&mut self, findings: Vec<Finding>) {
        let names: Vec<_> =
            findings.iter().filter(|one| one.engine == Some(EngineKind::Nvenc)).filter_map(gpu_name).collect();
        for finding in findings {
            let ability = Ability { brief: in_window(&finding.brief), works: finding.works };
            if let Some(known) = self.choices.iter_mut().find(|choice| choice.name == finding.name) {
                known.take(finding.engine, ability);
            } else if let Some(gpu) = gpu_name(&finding) {
                let is_one_of_many = names.iter().filter(|name| **name == gpu).count() > 1;
                let title = if is_one_of_many { format!("{gpu} ({})", finding.name) } else { gpu };
                let mut choice = DeviceChoice::new(finding.name, title, String::new());
                choice.take(finding.engine, ability);
                self.choices.push(choice);
            } else if finding.name == "libcuda" && !finding.works {
                self.no_gpu = Some(ability.brief);
            }
        }
    }

    /// The device of this name in a plan, if it is one of the list.
    pub fn named(&self, name: &str) -> Option<&DeviceChoice> {
        self.choices.iter().find(|choice| choice.name == name)
    }

    /// Why this GPU cannot be used, as far as that is known.
    pub fn why_not(&self, name: &str, engine: EngineKind) -> Option<&str> {
        match self.named(name).map(|choice| choice.ability(engine)) {
            Some(ability) => (!ability.works).then_some(&ability.brief),
            None => self.no_gpu.as_ref(),
        }
        .map(String::as_str)
    }

    /// Why GPUs of this computer cannot be used, in a line each; equal cards share one.
    pub fn unusable(&self, engine: EngineKind) -> Vec<String> {
        let mut lines: Vec<String> = self.no_gpu.iter().cloned().collect();
        for choice in self.choices.iter().filter(|choice| !choice.ability(engine).works) {
            let card = choice.title.split(" (").next().unwrap_or_default();
            let line = format!("NVIDIA {card}: {}", choice.ability(engine).brief);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines
    }
}

/// "H100 80GB HBM3" of "NVIDIA H100 80GB HBM3"; `None`: the finding is about no GPU.
fn gpu_name(finding: &Finding) -> Option<String> {
    let name = finding.gpu.as_ref()?.name.trim();
    let short = name.strip_prefix("NVIDIA ").unwrap_or(name);
    Some(short.strip_prefix("GeForce ").unwrap_or(short).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::GpuFacts;

    use EngineKind::{Nvdec, Nvenc};

    fn finding(name: &str, engine: Option<EngineKind>, works: bool, brief: &str) -> Finding {
        let brief = brief.to_owned();
        Finding { name: name.to_owned(), engine, gpu: None, works, detail: brief.clone(), brief }
    }

    fn gpu(name: &str, engine: EngineKind, works: bool, card: &str, brief: &str) -> Finding {
        let gpu = GpuFacts { name: card.to_owned(), uuid: String::new(), pci: String::new(), state: String::new() };
        Finding { gpu: Some(gpu), ..finding(name, Some(engine), works, brief) }
    }

    #[test]
    fn what_cannot_be_used_says_why_once() {
        let no_engine = "no encoder engine (NVENC) on this card";
        let mut devices = Devices::default();
        assert_eq!(
            (devices.unusable(Nvenc), devices.why_not("cuda:0", Nvenc)),
            (vec![], None),
            "nobody has looked yet"
        );
        let (h100, rtx) = ("NVIDIA H100 80GB HBM3", "NVIDIA GeForce RTX 4090");
        devices.found(vec![
            finding("virtual:ada", Some(Nvenc), true, "H.264, HEVC · 1 engine · no B-frames"),
            finding("libcuda", None, true, ""),
            gpu("cuda:0", Nvenc, false, h100, no_engine),
            gpu("cuda:0", Nvdec, true, h100, "H.264, HEVC · 7 engines"),
            gpu("cuda:1", Nvenc, false, h100, no_engine),
            gpu("cuda:1", Nvdec, true, h100, "H.264, HEVC · 7 engines"),
            gpu("cuda:2", Nvenc, true, rtx, "H.264 · 2 engines · no B-frames"),
        ]);
        let gpus: Vec<_> = devices.choices.iter().filter(|choice| choice.name.starts_with("cuda")).collect();
        let titles: Vec<_> = gpus.iter().map(|choice| choice.title.as_str()).collect();
        assert_eq!(titles, ["H100 80GB HBM3 (cuda:0)", "H100 80GB HBM3 (cuda:1)", "RTX 4090"]);
        assert_eq!(devices.named("virtual:ada").unwrap().ability(Nvenc).brief, "H.264, HEVC · 1 engine · no B-frames");
        assert_eq!(devices.unusable(Nvenc), [format!("NVIDIA H100 80GB HBM3: {no_engine}")]);
        assert_eq!((devices.unusable(Nvdec), devices.why_not("cuda:0", Nvdec)), (vec![], None), "it decodes");
        assert_eq!((devices.why_not("cuda:0", Nvenc), devices.why_not("cuda:2", Nvenc)), (Some(no_engine), None));
    }

    #[test]
    fn without_a_driver_there_is_one_reason_for_all_gpus() {
        let mut devices = Devices::default();
        let no_driver = "No NVIDIA driver found on this computer";
        devices.found(vec![finding("libcuda", None, false, no_driver)]);
        assert_eq!(devices.unusable(Nvdec), [no_driver]);
        assert_eq!((devices.why_not("cuda:3", Nvenc), devices.why_not("virtual:ada", Nvenc)), (Some(no_driver), None));
    }
}
