//! Plays transcripts/client/*.txt against a check: what the client says, and what it comes to.

use std::{fs, path::Path};

use tidings::poll::report::Summary;

use crate::support::{
    mailbox::Reader,
    script::{Script, expectations, sessions},
};

/// What a check came to, as transcripts write it.
fn words(summary: &Summary) -> String {
    let mut words = summary.outcome.word().to_owned();
    let more = summary.outcome.words();
    if !more.is_empty() {
        words.push_str(": ");
        words.push_str(&more);
    }
    if let Some(on_server) = summary.on_server {
        words.push_str(&format!(", {on_server} on server, {} new", summary.new));
    }
    if summary.withdrawn > 0 {
        words.push_str(&format!(", {} withdrawn", summary.withdrawn));
    }
    words
}

async fn play(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/transcripts/client")
        .join(format!("{name}.txt"));
    let transcript = fs::read_to_string(&path).expect("the transcript");
    let sessions = sessions(&transcript);
    let checks = sessions
        .iter()
        .filter(|session| session.lines().any(|line| line.starts_with("= ")))
        .count();
    let script = Script::serve(sessions).await;
    let reader = Reader::of(script.port);

    let mut found = Vec::new();
    for _ in 0..checks {
        let (summary, _) = reader.check().await;
        found.push(words(&summary));
        for note in &summary.notes {
            found.push(format!("note: {note}"));
        }
    }
    if transcript.contains("= kept: ") {
        found.push(format!("kept: {}", reader.subjects().join(" | ")));
    }

    script
        .finish()
        .await
        .expect("the client says what is written");
    let expected = expectations(&transcript);
    assert_eq!(found, expected, "{name}");
}

/// A test for each transcript, named after it.
macro_rules! transcripts {
    ($($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                play(stringify!($name)).await;
            }
        )*

        #[test]
        fn every_transcript_has_its_test() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/client");
            let mut files: Vec<String> = fs::read_dir(folder)
                .expect("the folder")
                .map(|entry| entry.expect("an entry").path())
                .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
                .collect();
            files.sort();

            let mut tests = vec![$(stringify!($name).to_owned()),*];
            tests.sort();

            assert_eq!(files, tests);
        }
    };
}

transcripts! {
    a_first_check_fetches_the_newest_first
    a_gap_in_uidl_withdraws_nothing_at_once
    a_gap_that_wanders_through_uidl_withdraws_nothing
    a_large_message_that_ends_the_connection_holds_up_nothing
    a_listing_as_before_a_check_that_was_cut_off_is_compared
    a_listing_of_one_with_an_end_of_its_own_is_believed_at_once
    a_listing_that_repeats_the_password_is_masked
    a_maildrop_in_use_is_busy
    a_maildrop_that_words_call_locked_is_busy
    a_message_given_after_all_replaces_its_stand_in
    a_message_gone_before_retr_is_skipped
    a_message_refused_three_times_is_shown_as_such
    a_message_that_cannot_be_listed_asks_for_the_whole_list
    a_message_that_ends_the_connection_keeps_no_other_back
    a_message_that_never_had_a_unique_id_hides_no_withdrawal
    a_refusal_stays_the_reason_though_the_server_hangs_up
    a_server_that_answers_another_exchange
    a_server_that_challenges_without_end_is_broken
    a_server_that_cuts_off_in_a_message_loses_nothing
    a_server_that_lists_all_where_one_is_asked_for_is_believed_at_once
    a_server_that_proves_nothing
    a_server_that_speaks_http_is_broken
    a_server_without_capa_is_fine
    a_server_without_stat_is_asked_for_its_list
    a_server_without_uidl_is_told_apart_by_headers
    a_temporary_failure_is_unreachable
    a_unique_id_that_comes_a_second_time_asks_for_the_whole_list
    a_unique_id_used_again_after_its_notice_left_is_another_notice
    a_wrong_password_stops
    an_account_that_is_locked_is_no_busy_maildrop
    an_empty_listing_withdraws_only_after_three_checks
    an_expired_server_is_warned_of
    an_odd_listing_is_read_as_meant
    another_unique_id_among_those_before_asks_for_the_whole_list
    apop_goes_first_without_tls
    apop_timestamps_that_are_no_msg_ids_are_refused
    equal_sizes_without_uidl_hide_no_notice
    equal_unique_ids_are_two_notices
    equal_unique_ids_survive_a_check_that_is_cut_off
    logging_in_too_often_is_told_to_wait
    notices_that_come_back_do_so_though_a_check_is_cut_off
    one_by_one_without_pipelining
    one_notice_gone_is_withdrawn_at_once
    sizes_beyond_all_measure_break_nothing
    sizes_that_do_not_account_for_all_ask_for_the_whole_list
    stat_that_counts_otherwise_than_list_is_learned
    the_greeting_may_refuse
    unique_ids_of_odd_bytes_are_kept
    unique_ids_refused_for_the_moment_end_the_check
    unique_ids_that_are_message_numbers_show_nothing_twice
    unique_ids_used_again_are_seen_by_their_sizes
    vanished_notices_stay_doubtful_when_one_arrives
    what_has_come_is_asked_for_alone
}
