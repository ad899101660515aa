//! What a search has found, among the headlines.

use std::cmp::Reverse;

use super::{List, Slot};
use crate::{notice::NoticeId, tui::event::Answer};

/// All kept notices, the newest first, and the place of each among them by its id, the lowest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Dated {
    slots: Vec<Slot>,
    places: Vec<(NoticeId, u32)>,
}

impl Dated {
    fn of(list: &List) -> Dated {
        let kept = list.all().filter(|(_, headline)| headline.id.0 != 0);
        let mut by_date: Vec<_> = kept
            .map(|(slot, headline)| (headline.date, headline.id, slot))
            .collect();
        by_date.sort_by_key(|(date, id, _)| Reverse((*date, *id)));
        let mut places: Vec<(NoticeId, u32)> = by_date
            .iter()
            .zip(0..)
            .map(|((_, id, _), place)| (*id, place))
            .collect();
        places.sort_unstable();
        Dated {
            slots: by_date.into_iter().map(|(_, _, slot)| slot).collect(),
            places,
        }
    }

    /// Those of these ids, which come in their order, the newest first.
    fn newest_first(&self, ids: &[NoticeId]) -> Vec<Slot> {
        let mut is_found = vec![false; self.slots.len()];
        let mut places = self.places.iter().peekable();
        for id in ids {
            while places.next_if(|(other, _)| other < id).is_some() {}
            if let Some((_, place)) = places.next_if(|(other, _)| other == id) {
                is_found[*place as usize] = true;
            }
        }
        let slots = self.slots.iter().zip(is_found);
        slots
            .filter(|(_, is_found)| *is_found)
            .map(|(slot, _)| *slot)
            .collect()
    }
}

impl List {
    /// Shows what a search has found. The first one is selected, if any.
    pub fn show_found(&mut self, answer: &Answer) {
        let found = match answer {
            Answer::InOrder(ids) => ids.iter().filter_map(|id| self.slot_of(*id)).collect(),
            Answer::NewestFirst(ids) => {
                if self.dated.is_none() {
                    self.dated = Some(Dated::of(self));
                }
                let dated = self.dated.as_ref();
                dated.map_or_else(Vec::new, |dated| dated.newest_first(ids))
            }
        };
        self.set_found(Some(found));
    }

    /// Shows all again.
    pub fn end_search(&mut self) {
        self.dated = None;
        self.set_found(None);
    }

    fn set_found(&mut self, found: Option<Vec<Slot>>) {
        self.found = found;
        self.rebuild();
        self.above = 0;
        self.top = 0;
        self.select_first();
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{notice::Headline, tui::model::list::Ways};

    fn headline(id: i64, minute: i64) -> Headline {
        let mail = format!("Subject: {id}\r\nMessage-ID: <{id}@team.example>\r\n\r\n");
        let at = Timestamp::from_second(minute * 60).expect("a moment");
        Headline {
            id: NoticeId(id),
            ..Headline::parse(mail.as_bytes(), at)
        }
    }

    fn rows(list: &List) -> Vec<i64> {
        let slots = list.rows().iter().filter_map(|row| row.slot());
        slots.map(|slot| list.headline(slot).id.0).collect()
    }

    #[test]
    fn what_is_found_by_its_ids_stands_by_its_dates() {
        let mut list = List::new(Ways::default(), Timestamp::UNIX_EPOCH);
        list.load(
            vec![
                headline(4, 40),
                headline(1, 30),
                headline(3, 20),
                headline(2, 20),
            ],
            10,
        );
        let found = |ids: &[i64]| Answer::NewestFirst(ids.iter().copied().map(NoticeId).collect());

        list.show_found(&found(&[1, 2, 3, 7]));
        assert_eq!(
            rows(&list),
            [1, 3, 2],
            "of one second the higher id is newer"
        );

        list.arrive(vec![headline(7, 25), headline(0, 50)], 10);
        list.show_found(&found(&[0, 1, 2, 3, 7]));
        assert_eq!(rows(&list), [1, 7, 3, 2]);

        list.end_search();
        assert_eq!(rows(&list), [0, 4, 1, 7, 3, 2]);
    }
}
