//! The devices to choose from: models, which are always there, and the GPUs of this computer, once it was looked at.
//!
//! Names for people, what each can do, and why one cannot be used. Opens nothing.

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
    /// What it can do, or why it cannot be used; empty: not known yet.
    pub brief: String,
    /// What its name does not say.
    pub about: String,
    /// Can it be chosen?
    pub works: bool,
}

impl Default for Devices {
    fn default() -> Self {
        let model = |(name, title, about): (&str, &str, &str)| DeviceChoice {
            name: format!("virtual:{name}"),
            title: format!("{title} (model)"),
            brief: String::new(),
            about: about.to_owned(),
            works: true,
        };
        Self { choices: virtual_profiles().into_iter().map(model).collect(), no_gpu: None }
    }
}

impl Devices {
    /// Takes up what was found on this computer.
    pub fn found(&mut self, findings: Vec<Finding>) {
        let names: Vec<_> = findings.iter().filter_map(gpu_name).collect();
        for finding in findings {
            let brief = in_window(&finding.brief);
            if let Some(known) = self.choices.iter_mut().find(|choice| choice.name == finding.name) {
                (known.brief, known.works) = (brief, finding.works);
            } else if let Some(gpu) = gpu_name(&finding) {
                let is_one_of_many = names.iter().filter(|name| **name == gpu).count() > 1;
                let title = if is_one_of_many { format!("{gpu} ({})", finding.name) } else { gpu };
                let Finding { name, works, .. } = finding;
                self.choices.push(DeviceChoice { name, title, brief, about: String::new(), works });
            } else if finding.name == "libcuda" && !finding.works {
                self.no_gpu = Some(brief);
            }
        }
    }

    /// The device of this name in a plan, if it is one of the list.
    pub fn named(&self, name: &str) -> Option<&DeviceChoice> {
        self.choices.iter().find(|choice| choice.name == name)
    }

    /// Why this GPU cannot be used, as far as that is known.
    pub fn why_not(&self, name: &str) -> Option<&str> {
        match self.named(name) {
            Some(choice) => (!choice.works).then_some(&choice.brief),
            None => self.no_gpu.as_ref(),
        }
        .map(String::as_str)
    }

    /// Why GPUs of this computer cannot be used, in a line each; equal cards share one.
    pub fn unusable(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.no_gpu.iter().cloned().collect();
        for choice in self.choices.iter().filter(|choice| !choice.works) {
            let card = choice.title.split(" (").next().unwrap_or_default();
            let line = format!("NVIDIA {card}: {}", choice.brief);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines
    }
}

/// "H100 80GB HBM3" of "NVIDIA H100 80GB HBM3 (SM 1980 MHz): …"; `None`: the finding is about no GPU.
fn gpu_name(finding: &Finding) -> Option<String> {
    let whole = finding.name.starts_with("cuda:").then(|| finding.detail.split([':', '(']).next())??;
    let name = whole.trim();
    let short = name.strip_prefix("NVIDIA ").unwrap_or(name);
    Some(short.strip_prefix("GeForce ").unwrap_or(short).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(name: &str, works: bool, detail: &str, brief: &str) -> Finding {
        Finding { name: name.to_owned(), works, detail: detail.to_owned(), brief: brief.to_owned() }
    }

    #[test]
    fn what_cannot_be_used_says_why_once() {
        let no_engine = "no encoder engine (NVENC) on this card";
        let mut devices = Devices::default();
        assert_eq!((devices.unusable(), devices.why_not("cuda:0")), (vec![], None), "nobody has looked yet");
        devices.found(vec![
            finding("virtual:ada", true, "", "H.264, HEVC · 1 engine · no B-frames"),
            finding("libcuda", true, "3 GPU(s) visible", ""),
            finding("cuda:0", false, "NVIDIA H100 80GB HBM3 (SM 1980 MHz): …", no_engine),
            finding("cuda:1", false, "NVIDIA H100 80GB HBM3: …", no_engine),
            finding("cuda:2", true, "NVIDIA GeForce RTX 4090: …", "H.264 · 2 engines · no B-frames"),
        ]);
        let gpus: Vec<_> = devices.choices.iter().filter(|choice| choice.name.starts_with("cuda")).collect();
        let titles: Vec<_> = gpus.iter().map(|choice| choice.title.as_str()).collect();
        assert_eq!(titles, ["H100 80GB HBM3 (cuda:0)", "H100 80GB HBM3 (cuda:1)", "RTX 4090"]);
        assert_eq!(devices.named("virtual:ada").unwrap().brief, "H.264, HEVC · 1 engine · no B-frames");
        assert_eq!(devices.unusable(), [format!("NVIDIA H100 80GB HBM3: {no_engine}")]);
        assert_eq!((devices.why_not("cuda:0"), devices.why_not("cuda:2")), (Some(no_engine), None));
    }

    #[test]
    fn without_a_driver_there_is_one_reason_for_all_gpus() {
        let mut devices = Devices::default();
        let no_driver = "No NVIDIA driver found on this computer";
        devices.found(vec![finding("libcuda", false, "cannot find …", no_driver)]);
        assert_eq!(devices.unusable(), [no_driver]);
        assert_eq!((devices.why_not("cuda:3"), devices.why_not("virtual:ada")), (Some(no_driver), None));
    }
}
