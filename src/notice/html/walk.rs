//! The walk over HTML's tree that writes blocks.

use html2text::{Document, Element, Handle};
use url::{ParseError, Url};

use super::{
    colour::Colours,
    counting::counted,
    form,
    node::{WALK_DEPTH, attribute, beginning, element_name, holds_image, label_of, text_of},
    source, table,
    writer::{Context, Writer},
};
use crate::notice::{
    Run, Style,
    body::{Block, Content, plain},
    links::Links,
    shown::Shown,
};

/// Returns the blocks of a document.
pub fn blocks(document: &Handle, source: &source::Source, links: &mut Links) -> Vec<Block> {
    let mut writer = Writer {
        source,
        links,
        blocks: Vec::new(),
        runs: Vec::new(),
        marker: None,
        base: base_of(document, 0),
    };
    let context = Context {
        colours: Colours::of(source),
        ..Context::default()
    };
    writer.children(document, &context);
    writer.flush(&context);
    writer.blocks
}

/// Against what the links of a document are, if it says so (HTML, section 4.2.3).
fn base_of(node: &Handle, depth: usize) -> Option<Url> {
    for child in node.children.borrow().iter() {
        let found = match element_name(child).as_str() {
            "base" => attribute(child, "href").and_then(|href| Url::parse(&href).ok()),
            "html" | "head" if depth < HEAD_DEPTH => base_of(child, depth + 1),
            _ => None,
        };
        let found = found.filter(|base| matches!(base.scheme(), "http" | "https"));
        if found.is_some() {
            return found;
        }
    }
    None
}

fn is_struck(node: &Handle) -> bool {
    attribute(node, "style").is_some_and(|style| source::is_striking(&style))
}

/// True if an element holds a number alone, as a power does, or the mark of a footnote.
fn is_number(node: &Handle) -> bool {
    let text = beginning(node, FOOTNOTE_OCTETS + 1);
    (1..=FOOTNOTE_OCTETS).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '−'))
}

/// A kind of list.
#[derive(Clone, Copy)]
enum List {
    Bulleted,
    Numbered,
}

impl Writer<'_> {
    fn children(&mut self, node: &Handle, context: &Context) {
        let context = Context {
            depth: context.depth + 1,
            ..context.clone()
        };
        if context.depth > WALK_DEPTH {
            return;
        }
        for child in node.children.borrow().iter() {
            self.node(child, &context);
        }
    }

    fn node(&mut self, node: &Handle, context: &Context) {
        match &node.data {
            Document => self.children(node, context),
            Element { name, .. } => self.element(node, &name.local, context),
            _ => self.text(&text_of(node), context),
        }
    }

    fn element(&mut self, node: &Handle, name: &str, context: &Context) {
        if matches!(name, "head" | "template" | "svg" | "datalist") || self.is_hidden(node) {
            return;
        }
        let size = attribute(node, "style").and_then(|style| source::font_size(&style));
        let is_tiny = size.map_or(context.is_tiny, |pixels| pixels <= source::TINY_PIXELS);
        let context = &Context {
            is_tiny,
            colours: context.colours.within(node, name, self.source),
            ..context.clone()
        };
        match name {
            "br" => self.line_break(context),
            "hr" => self.rule(context),
            "img" => self.image(node, context),
            "area" => self.area(node, context),
            "input" | "select" | "textarea" => self.field(node, name, context),
            "button" if context.link.is_none() => self.button(node, context),
            "a" => self.anchor(node, context),
            "b" | "strong" | "th" => self.children(node, &styled(context, Style::Strong)),
            "i" | "em" | "cite" | "dfn" | "var" => {
                self.children(node, &styled(context, Style::Emphasis))
            }
            "s" | "strike" | "del" if !context.is_marked => self.between(node, context, "[-", "-]"),
            "ins" => {
                // What takes the place of something stands beside it.
                if self.runs.last().is_some_and(|run| run.text.ends_with("-]")) {
                    self.text(" ", context);
                }
                self.children(node, context)
            }
            "sup" if !context.is_marked && is_number(node) => self.between(node, context, "^", ""),
            "code" | "kbd" | "samp" | "tt" => self.children(node, &styled(context, Style::Code)),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.spaced(node, &styled(context, Style::Strong))
            }
            "p" | "dl" | "figure" | "fieldset" => self.spaced(node, context),
            "pre" | "xmp" | "listing" => self.preformatted(node, context),
            "blockquote" => self.quotation(node, context),
            "ul" | "menu" | "dir" => self.list(node, context, List::Bulleted),
            "ol" => self.list(node, context, List::Numbered),
            "li" => self.item(node, context),
            "dt" => self.block(node, &styled(context, Style::Strong)),
            "dd" => self.block(
                node,
                &Context {
                    indent: context.indent + 4,
                    ..context.clone()
                },
            ),
            "table" => self.table(node, context),
            "tr" => self.row(node, context),
            "div" | "section" | "article" | "header" | "footer" | "main" | "nav" | "aside"
            | "address" | "center" | "form" | "td" | "caption" | "figcaption" | "details"
            | "summary" | "body" | "html" | "tbody" | "thead" | "tfoot" | "legend" | "option" => {
                self.block(node, context)
            }
            _ if !context.is_marked && is_struck(node) => self.between(node, context, "[-", "-]"),
            _ => self.children(node, context),
        }
    }

    /// Adds an image's words; without any it is decoration, or counts readers.
    fn image(&mut self, node: &Handle, context: &Context) {
        let words = attribute(node, "alt")
            .map(|alt| Shown::line(&alt).cut_to(ALT_COLUMNS))
            .filter(|alt| !alt.is_empty());
        let Some(words) = words else { return };
        let context = Context {
            is_tiny: false,
            colours: Colours::default(),
            style: Style::Muted,
            ..context.clone()
        };
        match context.link {
            Some(_) => self.text(&words, &context),
            None => self.text(&format!("[{words}]"), &context),
        }
    }

    /// Adds a link that is a part of a picture, on a line of its own.
    fn area(&mut self, node: &Handle, context: &Context) {
        let Some(target) = attribute(node, "href") else {
            return;
        };
        let alt = attribute(node, "alt").unwrap_or_default();
        let label = Shown::line(&alt).cut_to(ALT_COLUMNS);
        let target = self.against_base(target);
        let Some(link) = self.links.add(&label, &target) else {
            return;
        };
        let words = match label.is_empty() {
            true => Shown::from_static("[image]"),
            false => label,
        };
        self.flush(context);
        self.runs.extend(
            [
                words,
                Shown::from_static(" "),
                Shown::line(&format!("[{}]", link + 1)),
            ]
            .map(|text| Run {
                text,
                style: Style::Link,
                link: Some(link),
            }),
        );
        self.flush(context);
    }

    /// Adds a field of a form, apart from what stands beside it.
    fn field(&mut self, node: &Handle, name: &str, context: &Context) {
        if let Some(words) = form::words(node, name).filter(|words| !words.is_empty()) {
            let context = Context {
                is_pre: false,
                ..context.clone()
            };
            self.text(&format!(" {words} "), &context);
        }
    }

    /// Adds a button's words as a field.
    fn button(&mut self, node: &Handle, context: &Context) {
        self.text(" ", context);
        self.between(node, context, "[", "]");
        self.text(" ", context);
    }

    /// Adds a link's text, and its number: `status page [1]`.
    fn anchor(&mut self, node: &Handle, context: &Context) {
        let Some(target) = attribute(node, "href").filter(|_| context.link.is_none()) else {
            return self.children(node, context);
        };
        let written = label_of(node, 0);
        let label = Shown::line(&written);
        let is_image = label.is_empty() && holds_image(node, 0);
        if label.is_empty() && !is_image {
            return self.children(node, context);
        }
        let target = self.against_base(target);
        let Some(link) = self.links.add(&written, &target) else {
            return self.children(node, context);
        };
        let (start, blocks) = (self.runs.len(), self.blocks.len());
        let inner = Context {
            link: Some(link),
            ..context.clone()
        };
        let is_address = label.contains("://") && !label.contains(' ');
        match (is_address, is_image) {
            (true, _) => self.text(&plain::shortened(&label), &inner),
            // A link must be seen to be followed, whatever its picture shows.
            (false, true) => self.text("[image]", &inner),
            (false, false) => self.children(node, &inner),
        }
        // What stood before it was white space alone, and has gone, if there is less than before.
        let own = self.runs.get(start..).unwrap_or(&self.runs);
        let has_text =
            self.blocks.len() > blocks || own.iter().any(|run| !run.text.trim().is_empty());
        let is_own_address = target
            .strip_prefix("mailto:")
            .is_some_and(|address| address == &*label);
        let number = Run {
            text: Shown::line(&format!("[{}]", link + 1)),
            style: Style::Link,
            link: Some(link),
        };
        if self.blocks.len() > blocks && self.runs.is_empty() {
            // The link went round whole blocks: its number goes after the last of them.
            if let Some(Block {
                content: Content::Prose { runs, .. },
                ..
            }) = self
                .blocks
                .iter_mut()
                .rev()
                .find(|block| block.content != Content::Gap)
            {
                runs.extend([
                    Run {
                        text: Shown::from_static(" "),
                        ..number.clone()
                    },
                    number,
                ]);
            }
        } else if has_text && !is_own_address {
            let gap = if self.ends_in_space() {
                Shown::default()
            } else {
                Shown::from_static(" ")
            };
            self.runs.extend([
                Run {
                    text: gap,
                    ..number.clone()
                },
                number,
            ]);
        }
    }

    /// Where a link leads in a document that says against what its links are.
    fn against_base(&self, target: String) -> String {
        let joined = match (&self.base, Url::parse(&target)) {
            // To another place of the same page.
            _ if target.starts_with('#') => None,
            // As the page itself is fetched, if it were one.
            (None, Err(_)) if target.starts_with("//") => {
                Url::parse(&format!("https:{target}")).ok()
            }
            (Some(base), Err(ParseError::RelativeUrlWithoutBase)) => base.join(&target).ok(),
            _ => None,
        };
        joined.map_or(target, String::from)
    }

    /// Adds what is within an element between two marks, if it is anything.
    fn between(&mut self, node: &Handle, context: &Context, before: &str, after: &str) {
        let has_text = !beginning(node, 1).is_empty();
        if has_text {
            self.text(before, context);
        }
        let inner = Context {
            is_marked: true,
            ..context.clone()
        };
        self.children(node, &inner);
        if has_text {
            self.text(after, context);
        }
    }

    /// Adds a block with an empty row before and after it.
    fn spaced(&mut self, node: &Handle, context: &Context) {
        self.gap(context);
        self.children(node, context);
        self.gap(context);
    }

    fn block(&mut self, node: &Handle, context: &Context) {
        self.flush(context);
        self.children(node, context);
        self.flush(context);
    }

    fn preformatted(&mut self, node: &Handle, context: &Context) {
        self.gap(context);
        self.children(
            node,
            &Context {
                is_pre: true,
                style: Style::Code,
                ..context.clone()
            },
        );
        let text: String = self
            .runs
            .drain(..)
            .map(|run| run.text.to_string())
            .collect();
        let lines = Shown::text(text.trim_matches('\n'));
        let lines = lines
            .lines()
            .map(|line| plain::linked(line.trim_end(), Style::Code, self.links))
            .collect();
        self.blocks.push(Block {
            quote: context.quote,
            indent: context.indent,
            content: Content::Fixed(lines),
        });
        self.gap(context);
    }

    /// Adds a quotation; the ones that editors make for indenting are told by their missing border.
    fn quotation(&mut self, node: &Handle, context: &Context) {
        let style = attribute(node, "style")
            .unwrap_or_default()
            .replace(' ', "")
            .to_ascii_lowercase();
        let inner = match style.contains("border:none") && style.contains("padding:0") {
            true => Context {
                indent: context.indent + 4,
                ..context.clone()
            },
            false => Context {
                quote: context.quote.saturating_add(1),
                ..context.clone()
            },
        };
        self.gap(context);
        self.children(node, &inner);
        self.flush(&inner);
        self.gap(context);
    }

    fn list(&mut self, node: &Handle, context: &Context, list: List) {
        let is_inner = context.indent > 0;
        if is_inner {
            self.flush(context)
        } else {
            self.gap(context)
        }
        let step = if attribute(node, "reversed").is_some() {
            -1
        } else {
            1
        };
        let items = || {
            node.children
                .borrow()
                .iter()
                .filter(|child| element_name(child) == "li")
                .count()
        };
        let first = if step < 0 {
            i64::try_from(items()).unwrap_or(1)
        } else {
            1
        };
        let mut number: i64 = attribute(node, "start")
            .and_then(|start| start.parse().ok())
            .unwrap_or(first);
        let kind = attribute(node, "type").unwrap_or_default();
        for child in node.children.borrow().iter() {
            if element_name(child) == "li" {
                number = attribute(child, "value")
                    .and_then(|value| value.parse().ok())
                    .unwrap_or(number);
                self.flush(context);
                self.marker = Some(match list {
                    List::Bulleted => Shown::from_static("•"),
                    List::Numbered => Shown::line(&format!("{}.", counted(number, &kind))),
                });
                number = number.saturating_add(step);
            }
            self.node(child, context);
        }
        if is_inner {
            self.flush(context)
        } else {
            self.gap(context)
        }
    }

    fn item(&mut self, node: &Handle, context: &Context) {
        if self.marker.is_none() {
            self.flush(context);
            self.marker = Some(Shown::from_static("•"));
        }
        let hang = self.marker.as_ref().map_or(2, |marker| marker.width() + 1);
        let inner = Context {
            indent: context.indent + hang as u16,
            depth: context.depth + 1,
            ..context.clone()
        };
        self.children(node, &inner);
        self.flush(&inner);
        self.marker = None;
    }

    fn table(&mut self, node: &Handle, context: &Context) {
        match table::data(node) {
            Some(rows) => {
                self.gap(context);
                let inner = node.children.borrow();
                let captions = inner
                    .iter()
                    .filter(|child| element_name(child) == "caption");
                captions.for_each(|caption| self.node(caption, context));
                let table = table::filled(&rows, |cell| self.cell(cell, context));
                self.blocks.push(Block {
                    quote: context.quote,
                    indent: context.indent,
                    content: Content::Table(table),
                });
                self.gap(context);
            }
            None => self.block(node, context),
        }
    }

    /// Adds a row of a table that only places things: short cells side by side, long ones below one
    /// another.
    fn row(&mut self, node: &Handle, context: &Context) {
        self.flush(context);
        let cells: Vec<Handle> = node
            .children
            .borrow()
            .iter()
            .filter(|child| matches!(element_name(child).as_str(), "td" | "th"))
            .cloned()
            .collect();
        let is_short = cells.len() > 1 && cells.iter().all(table::is_word);
        for cell in &cells {
            if is_short && !self.ends_in_space() {
                self.runs.push(Run {
                    text: Shown::from_static("   "),
                    style: Style::Text,
                    link: None,
                });
            }
            match is_short {
                true if !self.is_hidden(cell) => self.children(cell, context),
                true => {}
                false => self.node(cell, context),
            }
        }
        self.flush(context);
    }

    /// Returns what a cell of a data table holds, in one run of text.
    fn cell(&mut self, node: &Handle, context: &Context) -> Vec<Run> {
        let outer = (
            std::mem::take(&mut self.blocks),
            std::mem::take(&mut self.runs),
            self.marker.take(),
        );
        let style = if element_name(node) == "th" {
            Style::Strong
        } else {
            context.style
        };
        let inner = Context {
            quote: 0,
            indent: 0,
            style,
            ..context.clone()
        };
        self.children(node, &inner);
        self.flush(&inner);
        let blocks = std::mem::replace(&mut self.blocks, outer.0);
        (self.runs, self.marker) = (outer.1, outer.2);
        let mut runs: Vec<Run> = Vec::new();
        for block in blocks {
            let Content::Prose { runs: prose, .. } = block.content else {
                continue;
            };
            if !runs.is_empty() {
                runs.push(Run {
                    text: Shown::from_static("\n"),
                    style: Style::Text,
                    link: None,
                });
            }
            runs.extend(prose);
        }
        runs
    }

    fn is_hidden(&self, node: &Handle) -> bool {
        let by_style = attribute(node, "style").is_some_and(|style| source::is_hiding(&style));
        let by_sheet = || {
            let classes = attribute(node, "class").unwrap_or_default();
            let id = attribute(node, "id").unwrap_or_default();
            classes
                .split_whitespace()
                .any(|class| self.source.hidden.contains(&format!(".{class}")))
                || self.source.hidden.contains(&format!("#{id}"))
        };
        by_style
            || attribute(node, "hidden").is_some()
            || (!self.source.hidden.is_empty() && by_sheet())
    }
}

fn styled(context: &Context, style: Style) -> Context {
    let style = if context.style == Style::Strong && style == Style::Emphasis {
        Style::Strong
    } else {
        style
    };
    Context {
        style,
        ..context.clone()
    }
}

/// A power, or the number of a footnote.
const FOOTNOTE_OCTETS: usize = 8;

/// The head of a document is in it, and its base in that.
const HEAD_DEPTH: usize = 2;

/// An image's words are a caption, not a page.
const ALT_COLUMNS: usize = 200;
