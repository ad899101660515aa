//! The connection test of the setup, as it goes.

use crate::{
    notice::shown::Shown,
    tui::{
        compose,
        model::form::Form,
        setup::{Stage, Step, StepResult},
        theme::Role,
    },
};

use super::{super::activity::took, FormLine};

/// `── connection test ──────────────── 4 of 7 ──────────`, and a line for each stage.
pub fn lines(form: &Form, columns: u16) -> Vec<FormLine<'_>> {
    // A long word needs some room, however narrow the screen.
    let most = usize::from(columns.saturating_sub(14)).clamp(16, 62);
    let mut lines = vec![FormLine::new(false, move |area, pen| {
        let columns = 69.min(area.columns.saturating_sub(4));
        pen.rule(3, area.y, columns);
        pen.put(5, area.y, columns, " connection test ", Role::Muted);
        if !form.steps.is_empty() {
            let words = format!(" {} of {} ", form.passed(), STAGES.len());
            let end = 3 + columns.saturating_sub(10);
            if end > 40 {
                pen.put_end(end, area.y, Shown::text(&words), Role::Muted);
            }
        }
    })];
    if form.steps.is_empty() {
        let words = "starts by itself once user and password are there";
        lines.push(FormLine::words(12, Shown::from_static(words), Role::Muted));
        return lines;
    }
    let has_failed = |step: &Step| matches!(step.result, StepResult::Failed { .. });
    for stage in STAGES {
        let step = form.steps.iter().find(|step| step.stage == stage);
        let Some(step) = step else {
            if !form.steps.iter().any(has_failed) {
                lines.push(FormLine::words(12, form.expects(stage), Role::Muted));
            }
            continue;
        };
        let (word, words, role) = match &step.result {
            StepResult::Started => ("...", form.expects(stage), Role::Text),
            StepResult::Passed { words } => ("ok", words.clone(), Role::Text),
            StepResult::Warned { words } => ("note", words.clone(), Role::Error),
            StepResult::Failed { words, .. } => ("failed", words.clone(), Role::Error),
        };
        let mut wrapped = match role {
            Role::Error => compose::wrap(&words, most.saturating_sub(8), most).into_iter(),
            _ => Vec::new().into_iter(),
        };
        let words = wrapped.next().map_or(words, |first| Shown::text(&first));
        let rest = wrapped;
        lines.push(FormLine::new(false, move |area, pen| {
            let mark = if role == Role::Text { Role::Ok } else { role };
            pen.put(5, area.y, 7, word, mark);
            let end = 75.min(area.columns.saturating_sub(1));
            let start = match step.took {
                Some(time) => pen.put_end(end, area.y, Shown::text(&took(time)), Role::Muted),
                None => end,
            };
            pen.put_cut(12, area.y, start.saturating_sub(14), &words, role);
        }));
        // What is wrong is said to its end.
        for line in rest {
            lines.push(FormLine::words(12, Shown::text(&line), role));
        }
        if let StepResult::Failed { remedy, .. } = &step.result {
            for line in compose::wrap(remedy, most, most) {
                lines.push(FormLine::words(12, Shown::text(&line), Role::Text));
            }
        }
    }
    lines
}

const STAGES: [Stage; 7] = [
    Stage::Find,
    Stage::Connect,
    Stage::Encrypt,
    Stage::SignIn,
    Stage::List,
    Stage::TellApart,
    Stage::Keeps,
];
