//! One copy of what many headlines say alike: few people send most notices, through few lists.

use std::{collections::HashSet, hash::Hash, sync::Arc};

use super::{Address, Headline, MailingList};

/// The senders and lists of some headlines, each once.
#[derive(Clone, Debug, Default)]
pub struct Sharing {
    senders: HashSet<Arc<Address>>,
    lists: HashSet<Arc<MailingList>>,
}

impl Sharing {
    /// Lets a headline have what another one had before it.
    pub fn share(&mut self, headline: &mut Headline) {
        share(&mut self.senders, &mut headline.from);
        if let Some(list) = &mut headline.list {
            share(&mut self.lists, list);
        }
    }
}

fn share<T: Eq + Hash>(known: &mut HashSet<Arc<T>>, one: &mut Arc<T>) {
    match known.get(one) {
        Some(same) => one.clone_from(same),
        None => {
            known.insert(one.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::shown::Shown;

    fn from(name: &str) -> Headline {
        let name = Shown::line(name);
        let list = MailingList {
            name: name.clone(),
            id: name.clone(),
        };
        Headline {
            from: Arc::new(Address {
                name,
                ..Address::default()
            }),
            list: Some(list.into()),
            ..Headline::default()
        }
    }

    #[test]
    fn equal_ones_are_one() {
        let mut sharing = Sharing::default();
        let mut all = [from("Priya"), from("Tom"), from("Priya")];
        for headline in &mut all {
            sharing.share(headline);
        }

        let [first, other, again] = &all;
        assert!(Arc::ptr_eq(&first.from, &again.from));
        assert_eq!(other.from.name, "Tom");
        let list = |headline: &Headline| headline.list.clone().expect("each has one");
        assert!(Arc::ptr_eq(&list(first), &list(again)));
        assert_eq!(list(other).name, "Tom");
    }
}
