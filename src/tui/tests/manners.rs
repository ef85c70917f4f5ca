//! What holds on every screen.

use std::collections::HashMap;

use insta::assert_snapshot;

use super::fixture::{newcomer, regular, with_plan, with_rows};
use crate::tui::effect::Effect;
use crate::tui::keys::{Action, Scope, bindings, resolve};
use crate::tui::testing::Harness;
use crate::tui::widget::help::{Line, lines};

/// Every chain of scopes that can have the focus, overlays left out.
const CHAINS: [&[Scope]; 7] = [
    &[Scope::Home, Scope::List, Scope::Always, Scope::Global],
    &[Scope::Connect, Scope::List, Scope::Always, Scope::Global],
    &[Scope::Editor, Scope::Always, Scope::Global],
    &[Scope::Results, Scope::List, Scope::Always, Scope::Global],
    &[Scope::Sync, Scope::List, Scope::Always, Scope::Global],
    &[Scope::Confirm, Scope::Always],
    &[Scope::Prompt, Scope::Always],
];

#[test]
fn the_help_has_every_action_that_works_once() {
    for chain in CHAINS {
        let mut told: HashMap<Action, usize> = HashMap::new();
        for line in lines(chain, |_| None) {
            if let Line::Entry { action, .. } = line {
                *told.entry(action).or_default() += 1;
            }
        }
        for line in bindings().filter(|line| chain.contains(&line.scope)) {
            // A nearer scope may use its key for something else.
            let works = line.keys.iter().any(|key| resolve(chain, key.parse().unwrap(), false) == Some(line.action));
            assert_eq!(told.get(&line.action), works.then_some(&1), "{:?} in {chain:?}", line.action);
        }
    }
}

#[test]
fn the_help_on_the_screen() {
    assert_snapshot!(with_rows(80, 24).keys("?").screen());
    assert_snapshot!("help_on_a_wide_terminal", regular(120, 36).keys("?").styled());
}

#[test]
fn a_small_terminal_is_told_so_and_nothing_is_lost() {
    let mut program = with_rows(80, 24);
    let before = program.screen();
    let small = program.resize(40, 10).screen();
    assert_eq!(small.trim(), "Needs 80x24 or larger; now 40x10");
    assert_eq!(program.resize(80, 24).screen(), before);
}

#[test]
fn no_size_makes_it_fall_over() {
    for (columns, rows) in [(1, 1), (10, 2), (60, 16), (61, 17), (79, 23), (200, 60), (300, 5)] {
        for mut program in [newcomer(80, 24), regular(80, 24), with_rows(80, 24), with_plan(80, 24, true)] {
            program.resize(columns, rows).screen();
            program.keys("?").screen();
        }
    }
}

#[test]
fn esc_closes_one_thing_at_a_time() {
    let mut program = with_rows(80, 24);
    program.keys("Enter Esc");
    assert!(program.screen().contains("▌2 Query"));
    program.keys("Esc Esc Esc");
    assert!(program.screen().contains("O'Brien"), "Esc threw the rows away");
}

#[test]
fn a_screen_that_cannot_be_used_yet_says_why() {
    let mut program = newcomer(80, 24);
    program.keys("4");
    let screen = program.screen();
    assert!(screen.contains("No line is drawn yet") && screen.contains("▌0 Home"), "{screen}");
}

#[test]
fn q_leaves_at_once_when_nothing_is_lost_by_it() {
    let mut program = newcomer(80, 24);
    program.keys("q");
    assert!(program.effects().contains(&Effect::Quit));
}

#[test]
fn ctrl_c_asks_when_nothing_goes_on() {
    let mut program = newcomer(80, 24);
    program.keys("Ctrl-C");
    assert!(program.screen().contains("Leave gondola?"));
    assert!(!program.effects().contains(&Effect::Quit));
}

#[test]
fn the_footer_begins_with_the_next_key() {
    let next = |program: &mut Harness| {
        let screen = program.screen();
        screen.lines().last().unwrap_or_default().trim().split("  ").next().unwrap_or_default().to_owned()
    };
    assert_eq!(next(&mut newcomer(80, 24)), "Enter");
    assert_eq!(next(newcomer(80, 24).keys("2")), "Ctrl-R");
    assert_eq!(next(&mut with_rows(80, 24)), "3");
    assert_eq!(next(regular(80, 24).keys("Enter")), "Enter");
    assert_eq!(next(&mut with_plan(80, 24, true)), "s");
    assert_eq!(next(with_plan(80, 24, true).keys("s")), "y");
}

#[test]
fn a_notice_goes_by_itself_and_then_nothing_ticks() {
    let mut program = newcomer(80, 24);
    program.keys("4");
    let mut ticks = 0;
    while !program.app.update(crate::tui::msg::Msg::Tick).is_empty() {
        ticks += 1;
        assert!(ticks < 100, "it ticks for ever");
    }
    assert!(!program.screen().contains("No line is drawn yet"));
}
