//! What is known of a plan once its device and input are open: the part of a session's manifest that a device must be asked for.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::opened::Opened;
use super::rehearsal::rehearse;
use super::sweep::SweepError;
use crate::contract::Codec;
use crate::plan::Plan;
use crate::record::{DeviceInfo, EncodeSettings, InputInfo, Rehearsal};

/// See the module.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs, reason = "they are the manifest's")]
pub struct Facts {
    pub plan: Plan,
    pub input: InputInfo,
    pub device: DeviceInfo,
    pub settings: BTreeMap<Codec, EncodeSettings>,
    pub rehearsals: BTreeMap<Codec, Rehearsal>,
}

impl Facts {
    /// Adapts the plan to what was opened, and tries every codec once.
    ///
    /// # Errors
    /// The plan does not fit the device.
    pub fn of(plan: Plan, opened: &Opened, stop: &AtomicBool) -> Result<Self, SweepError> {
        let plan = opened.adapted(plan)?;
        plan.check()?;
        let rehearsals = rehearse(&plan, opened, stop)?;
        let settings = opened.settings(&plan)?;
        let (input, device) = (opened.feed.info().clone(), opened.device.info().clone());
        Ok(Self { plan, input, device, settings, rehearsals })
    }
}
