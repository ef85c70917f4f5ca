//! What a thing is decides how it looks. Sixteen ANSI colours, so that the terminal's own theme
//! holds; without colour, bold, underline and reverse say the same.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the style below says what each looks like")]
pub enum Role {
    Text,
    Strong,
    Dim,
    Border,
    BorderFocused,
    Title,
    TitleFocused,
    Header,
    Selected,
    SelectedAway,
    Cursor,
    StepNow,
    StepDone,
    StepLater,
    NextKey,
    NextWord,
    Key,
    Word,
    Good,
    Warning,
    Bad,
    Production,
    Null,
    Number,
    Create,
    Update,
    Delete,
    Skip,
    Hold,
    Reject,
    OldValue,
    NewValue,
    SqlKeyword,
    SqlString,
    SqlNumber,
    SqlComment,
    SqlName,
    SqlMark,
    Line,
    LineFocused,
    LineMatch,
    LineProposed,
    Required,
}

/// Styles by role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    colour: bool,
}

impl Theme {
    /// In sixteen colours, or with none.
    pub const fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// Without colour when `NO_COLOR` is set to anything (<https://no-color.org>).
    pub fn from_environment() -> Self {
        Self::new(std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    /// Whether there is colour.
    pub const fn has_colour(self) -> bool {
        self.colour
    }

    /// How this looks.
    pub fn style(self, role: Role) -> Style {
        if self.colour { coloured(role) } else { plain(role) }
    }
}

fn coloured(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Text | Role::Word | Role::SqlName | Role::TitleFocused => style,
        Role::Strong | Role::Header => style.add_modifier(Modifier::BOLD),
        Role::Title => style.fg(Color::Gray),
        Role::Dim | Role::Border | Role::Null | Role::StepLater | Role::SqlComment | Role::Skip | Role::OldValue => {
            style.fg(Color::DarkGray)
        }
        Role::BorderFocused | Role::NextWord => style.fg(Color::Cyan),
        Role::SelectedAway => style.add_modifier(Modifier::UNDERLINED),
        // Reversed, so that the words take the terminal's own ground, dark or light.
        Role::Selected | Role::Cursor | Role::StepNow | Role::NextKey => {
            style.fg(Color::Cyan).add_modifier(Modifier::REVERSED)
        }
        Role::Key => style.fg(Color::Cyan).add_modifier(Modifier::BOLD),
        Role::StepDone | Role::Good | Role::Create | Role::NewValue | Role::SqlString => style.fg(Color::Green),
        Role::Warning | Role::Hold | Role::LineProposed => style.fg(Color::Yellow),
        Role::Bad | Role::Reject | Role::Delete | Role::Required => style.fg(Color::Red),
        Role::Production => style.bg(Color::Red).fg(Color::White).add_modifier(Modifier::BOLD),
        Role::Update | Role::SqlKeyword => style.fg(Color::Blue),
        Role::Number | Role::SqlNumber => style.fg(Color::Magenta),
        Role::SqlMark => style.fg(Color::Red).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Line => style.fg(Color::DarkGray),
        Role::LineFocused => style.fg(Color::Cyan).add_modifier(Modifier::BOLD),
        Role::LineMatch => style.fg(Color::Magenta),
    }
}

fn plain(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Strong
        | Role::Header
        | Role::TitleFocused
        | Role::BorderFocused
        | Role::Key
        | Role::Warning
        | Role::Hold
        | Role::SqlKeyword
        | Role::LineFocused
        | Role::Required => style.add_modifier(Modifier::BOLD),
        Role::Selected | Role::Cursor | Role::StepNow | Role::NextKey => style.add_modifier(Modifier::REVERSED),
        Role::SelectedAway | Role::LineMatch => style.add_modifier(Modifier::UNDERLINED),
        Role::Bad | Role::Reject | Role::Delete | Role::SqlMark => {
            style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
        }
        Role::Production => style.add_modifier(Modifier::REVERSED | Modifier::BOLD),
        Role::Dim | Role::Null | Role::SqlComment | Role::OldValue => style.add_modifier(Modifier::DIM),
        _ => style,
    }
}
