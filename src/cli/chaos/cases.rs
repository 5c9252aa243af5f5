//! The cases of trust, each with what proves it: a test, or a fault of this harness.

use std::collections::BTreeSet;

use super::super::Exit;

/// Which cases a run plays.
#[derive(Debug, Clone)]
pub(super) struct Cases(BTreeSet<u32>);

impl Cases {
    /// Every case that the harness plays.
    pub(super) fn all() -> Self {
        Self(CASES.iter().filter(|case| !case.faults.is_empty()).map(|case| case.number).collect())
    }

    /// Those named, which the harness must know how to play.
    pub(super) fn only(numbers: &[u32]) -> Result<Self, u32> {
        let all = Self::all();
        match numbers.iter().find(|number| !all.has(**number)) {
            Some(unknown) => Err(*unknown),
            None => Ok(Self(numbers.iter().copied().collect())),
        }
    }

    pub(super) fn has(&self, case: u32) -> bool {
        self.0.contains(&case)
    }
}

/// A case, what the harness does about it, and the tests that it has.
struct Case {
    number: u32,
    what: &'static str,
    /// What the harness does; empty where a test says it all.
    faults: &'static str,
    tests: &'static [&'static str],
}

const fn tested(number: u32, what: &'static str, tests: &'static [&'static str]) -> Case {
    Case { number, what, faults: "", tests }
}

const fn played(number: u32, what: &'static str, faults: &'static str, tests: &'static [&'static str]) -> Case {
    Case { number, what, faults, tests }
}

/// `masthead chaos --list` prints them, and a test looks whether every test that is named here is there.
const CASES: [Case; 38] = [
    tested(1, "a line break and a header in a name", &["names_that_could_smuggle_or_mislead_are_refused"]),
    tested(
        2,
        "control and direction characters in names and subjects",
        &[
            "names_that_could_smuggle_or_mislead_are_refused",
            "a_title_with_such_characters_is_cleaned_before_it_is_a_subject",
        ],
    ),
    tested(3, "names and subjects without end", &["names_of_every_kind_are_read_back_as_they_were"]),
    tested(4, "a subject that looks like an encoded word", &["names_of_every_kind_are_read_back_as_they_were"]),
    tested(
        5,
        "names that look like a slot, markup or a list",
        &[
            "names_of_every_kind_are_read_back_as_they_were",
            "content_that_looks_like_a_slot_stays_literal",
            "no_name_breaks_a_line_or_a_mail",
        ],
    ),
    tested(
        6,
        "addresses beyond ASCII",
        &[
            "an_address_beyond_ascii_goes_to_a_relay_that_takes_it",
            "what_the_relay_cannot_carry_is_refused_before_it_is_asked",
        ],
    ),
    tested(
        7,
        "odd addresses have a verdict",
        &["odd_addresses_have_a_verdict_with_its_reason", "what_is_no_address_is_asked_for_again"],
    ),
    tested(
        8,
        "one address in two spellings is one reader",
        &[
            "an_address_has_one_hash_in_any_case_and_under_newer_keys",
            "a_domain_is_the_same_as_u_label_and_a_label_and_only_a_local_part_needs_smtputf8",
            "one_address_in_several_spellings_is_one_reader_and_gets_one_mail",
        ],
    ),
    tested(
        9,
        "a large import with everything wrong in it",
        &[
            "files_of_every_form_are_read",
            "bad_rows_are_listed_with_their_lines_and_the_others_imported",
            "a_large_import_with_everything_wrong_in_it_has_exact_counts",
            "an_import_that_is_killed_in_the_middle_has_done_nothing",
        ],
    ),
    tested(
        10,
        "no cell of an export is a formula",
        &["the_import_of_an_export_gives_the_same_and_no_cell_is_a_formula"],
    ),
    tested(
        11,
        "bodies of dots, lone returns, endless lines",
        &["bodies_of_dots_lone_returns_and_endless_lines_are_one_message"],
    ),
    tested(12, "nothing active in a mail", &["nothing_active_gets_into_a_mail"]),
    tested(
        13,
        "no postal address: refused with the reason",
        &["a_newsletter_without_a_postal_address_is_refused_with_the_remedy"],
    ),
    tested(
        14,
        "every header once, DKIM verified by others",
        &[
            "a_message_has_exactly_these_headers_once",
            "another_implementation_verifies_every_kind_of_message",
            "a_change_to_any_header_a_second_one_and_a_change_of_the_body_are_noticed",
        ],
    ),
    tested(15, "over the relay's SIZE", &["what_the_relay_cannot_carry_is_refused_before_it_is_asked"]),
    tested(
        16,
        "rendering twice",
        &["rendering_twice_gives_the_same_bytes", "the_render_command_writes_the_same_three_files_every_time"],
    ),
    tested(17, "silence at each stage", &["silence_ends_at_the_deadline_of_its_stage_and_others_go_on"]),
    tested(
        18,
        "a timeout never shifts the next reply",
        &["a_timeout_never_shifts_the_next_reply", "a_reply_too_many_is_never_taken_for_the_next"],
    ),
    played(
        19,
        "354 or garbage at the dot: in doubt",
        "the relay answers the dot with 354 or nonsense",
        &["an_answer_to_the_dot_that_is_neither_yes_nor_no_leaves_doubt"],
    ),
    played(
        20,
        "550 5.1.1: the connection is kept, the class exact",
        "the relay refuses readers at RCPT with 550 5.1.1",
        &[
            "a_refused_reader_costs_the_next_one_nothing",
            "half_of_the_readers_refused_with_5_1_1_cost_the_others_neither_mail_nor_connection",
        ],
    ),
    played(
        21,
        "421, silent closes: none lost, none twice",
        "the relay closes with 421 at RCPT, or silently at RCPT and DATA; it says 421 at RCPT or the dot and goes on all the same; it is away, or puts everybody off by policy, until the send has paused",
        &[
            "a_relay_that_closes_every_few_messages_gets_each_once",
            "a_relay_that_says_421_and_goes_on_is_heard_out",
            "a_relay_that_closes_every_connection_is_left_in_peace",
            "a_relay_that_hangs_up_before_any_answer_pauses_the_send_long_before_everybody_is_in_doubt",
            "what_the_relay_was_not_asked_about_is_no_answer_of_a_relay_that_hangs_up",
        ],
    ),
    played(
        22,
        "452 4.2.2, 552 5.2.2 and others, each in its class",
        "the relay answers 452 4.2.2 at RCPT, 552 5.2.2 and 554 5.7.1 at the dot",
        &["each_refusal_has_its_class", "after_45_mails_452_leaves_the_rest_open_and_the_next_run_mails_only_those"],
    ),
    tested(
        23,
        "535 or 550 5.7.515 for all: nobody pays",
        &[
            "wrong_credentials_stop_the_send_and_no_reader_pays_for_them",
            "a_sender_that_is_not_authenticated_stops_the_send_and_no_reader_pays_for_it",
            "a_sender_that_is_refused_from_the_middle_on_costs_no_reader",
            "a_reader_at_whom_alone_the_relay_blames_the_sender_is_refused_alone",
        ],
    ),
    played(
        24,
        "greylisting: accepted on retry, the same Message-ID",
        "the relay answers the first dot with 451 4.7.1",
        &["a_temporary_refusal_is_tried_again_with_the_same_message"],
    ),
    tested(
        25,
        "replies split and merged at every byte",
        &["replies_are_understood_a_byte_at_a_time", "replies_are_the_same_wherever_the_packets_end"],
    ),
    tested(
        26,
        "TLS stripped, wrong, expired, self-signed, followed by bytes",
        &[
            "a_relay_that_cannot_prove_itself_gets_neither_credentials_nor_mail",
            "starttls_that_was_stripped_ends_before_auth",
            "bytes_behind_the_answer_to_starttls_end_the_connection",
        ],
    ),
    tested(27, "AUTH before TLS only", &["auth_that_is_offered_in_the_clear_only_is_not_used"]),
    played(
        28,
        "kill -9 at random times",
        "senders are killed with -9 and started again",
        &[
            "after_kill_9_in_the_middle_again_and_again_everybody_is_mailed_once_or_in_doubt",
            "a_sender_that_is_killed_in_a_row_of_policy_refusals_costs_nobody",
        ],
    ),
    played(
        29,
        "Postgres killed",
        "the postmaster or one of its processes is killed with -9, or all at once with SIGQUIT",
        &["lost_connections_to_the_database_cost_nobody"],
    ),
    played(
        30,
        "dropped after the dot, before the reply",
        "the relay closes behind the dot, with the mail taken or not",
        &["what_broke_after_the_dot_is_in_doubt_and_never_mailed_again"],
    ),
    played(
        31,
        "several senders on one issue",
        "--workers senders at once, by `send`, by `worker` or by both",
        &["two_sends_at_once_share_the_work_and_mail_nobody_twice"],
    ),
    played(
        32,
        "SIGSTOP past the lease, SIGCONT",
        "a sender is stopped for 34 s, its lease being 30 s",
        &[
            "case_32_a_sender_that_is_stopped_past_its_lease_costs_nobody",
            "a_late_reply_settles_the_doubt_for_the_worker_that_was_given_up",
        ],
    ),
    played(
        33,
        "disk full",
        "no process of Postgres can make a file longer, for 3 s",
        &["while_the_ledger_cannot_be_written_nothing_is_sent_and_results_are_kept"],
    ),
    played(
        34,
        "cut off from Postgres for three leases",
        "nothing passes between a sender and Postgres for 92 s",
        &["case_34_a_sender_that_is_cut_off_from_postgres_for_three_leases_costs_nobody"],
    ),
    tested(35, "a clock a day off", &["a_clock_a_day_off_changes_nothing"]),
    played(
        36,
        "send twice, cancel, pause, resume",
        "from processes of their own: `send --at`, pause and resume, cancel, retry, SIGTERM",
        &[
            "what_is_in_doubt_is_resolved_by_the_operator_and_the_refused_are_tried_again",
            "what_a_cancelled_issue_has_in_doubt_is_never_queued_again",
            "an_interrupted_send_finishes_what_is_under_way_and_the_next_run_the_rest",
        ],
    ),
    played(
        37,
        "unsubscribes during a send",
        "readers unsubscribe by POST while their issue is sent",
        &["who_leaves_during_the_send_gets_no_mail_unless_it_was_on_its_way"],
    ),
    played(
        38,
        "killed in each migration and in the snapshot",
        "every tenth kill is of a sender just started, perhaps in its snapshot",
        &[
            "a_process_killed_in_any_migration_leaves_a_store_that_opens",
            "a_process_killed_in_the_snapshot_leaves_nobody_out_and_nobody_twice",
        ],
    ),
];

/// Prints where each case is proven, as the table of `docs/RELIABILITY.md`.
pub(super) fn list() -> anyhow::Result<Exit> {
    outln!("| case | what | in the harness | tests |");
    outln!("| ---: | --- | --- | --- |");
    for case in &CASES {
        let tests: Vec<_> = case.tests.iter().map(|test| format!("`{test}`")).collect();
        outln!("| {} | {} | {} | {} |", case.number, case.what, case.faults, tests.join(", "));
    }
    Ok(Exit::Done)
}
