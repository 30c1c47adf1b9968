"""What README and the pages say of guards, word for word, and the test that each sentence stands or falls with.

A new promise is a new row; a sentence that is worded anew is worded anew here. `test_every_point_about_a_guard_is_here`
says which points of the pages have none.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

import superscalar
import superscalar.events
from superscalar.cli.app import app
from superscalar.plan.ir import Plan
from superscalar.plan.ir.signatures import Signatures
from superscalar.plan.passes.pipeline import explain

ROOT: Final = Path(__file__).parent.parent

PROMISES: Final[dict[str, dict[str, str]]] = {
    "docs/thoughts.md": {
        "**Identical thoughts are one.**": (
            "test_thoughts.py::test_identical_thoughts_are_one_and_samples_are_drawn_apart"
        ),
        "then that item fails and no other": (
            "test_thoughts.py::test_what_is_no_value_is_asked_for_again_and_then_fails_that_item_alone"
        ),
        "A thought adds nothing to its inputs": (
            "test_thoughts.py::test_what_is_chosen_has_the_label_of_all_that_it_was_chosen_from"
        ),
        "`thoughts()` asks the planner's models of the agent that has it": (
            "test_thoughts.py::test_without_a_model_of_its_own_a_thought_asks_that_of_the_agent_whose_run_it_is"
        ),
        "who wrote one of the candidates, or the criterion, may have chosen any of them": (
            "test_thoughts.py::test_what_was_chosen_by_strangers_is_no_destination"
        ),
        "Confidential data keeps its readers": "test_thoughts.py::test_confidential_thoughts_keep_their_readers",
        "stands in a block that is marked as data": "test_thoughts.py::test_data_does_not_end_its_block",
        "and in `max_tokens` and `max_cost`": (
            "test_thoughts.py::test_tokens_and_cost_count_in_the_budgets_of_the_run"
        ),
        "keeps what was thought": "test_thoughts.py::test_a_resumed_run_does_not_think_again",
    },
    "README.md": {
        "A failure stays in its own branch": "schedule/test_properties.py::test_every_plan_ends_and_keeps_its_promises",
        "what tools return can never redirect the plan": (
            "security/test_noninterference.py::test_a_run_is_the_same_whatever_the_texts_say"
        ),
        "what a file says cannot choose which file is written": (
            "servers/test_npm_servers.py::"
            "test_three_servers_in_one_plan_with_a_map_and_what_an_injected_file_may_choose"
        ),
        "`context=` for credentials that tools get and planners never see": (
            "schedule/test_unit.py::test_the_context_is_handed_to_who_declares_it_and_is_seen_nowhere_else"
        ),
        "`deadline=` ([for all of it]": (
            "test_deadlines.py::test_a_joiner_that_takes_ninety_seconds_has_the_grace_and_no_more"
        ),
        "pauses that limit until the time that the provider named": (
            "schedule/test_refusal.py::test_a_refused_call_is_made_again_when_its_provider_said"
        ),
        "rate and concurrency narrow, then widen again": (
            "schedule/test_narrowing.py::test_recovery_is_additive_and_ends_at_what_was_declared"
        ),
        "None of this needs declaring": (
            "schedule/test_narrowing.py::test_a_limit_that_nobody_declared_narrows_from_what_was_under_way"
        ),
        "Limits are shared by all runs of the process, and runs take turns": (
            "schedule/test_shared_limits.py::test_agents_that_declare_a_limit_alike_share_it"
        ),
        "what was done is not done again": (
            "journal/test_kill.py::test_nothing_is_done_twice_and_the_answer_is_the_same_however_often_processes_are_killed"
        ),
        "a write that may or may not have happened is asked about, not repeated": (
            "journal/test_resume.py::"
            "test_a_write_that_may_have_happened_is_asked_about_and_nothing_changes_until_somebody_answers"
        ),
        "the call with the longest path ahead of it goes first": (
            "schedule/test_priority.py::test_of_what_becomes_ready_in_the_same_turn_the_longest_path_starts_first"
        ),
        "for all runs with the same key: many runs at once wait their turn": (
            "test_limits_of_models.py::test_many_runs_at_once_are_all_served"
        ),
        "each of which replays from its seed": (
            "schedule/test_properties.py::test_the_same_run_again_is_the_same_to_the_last_event"
        ),
        "no text adds a call to it or changes one": (
            "security/test_prompts_as_targets.py::test_a_tool_is_called_only_where_the_plan_calls_it"
        ),
        "Data that only some people may read (`readers=`) goes to them alone": (
            "security/test_policies.py::test_confidential_data_goes_to_its_readers_alone"
        ),
        "ids may choose a destination, the text beside them may not": (
            "security/test_vouching.py::test_the_text_beside_it_may_not_and_neither_what_that_chose"
        ),
        'a person decides** (`policy="ask"`), and only that call waits': (
            "security/test_approval.py::test_only_the_call_that_is_asked_about_waits_and_what_refers_to_it"
        ),
        "`--approve-plan` shows the whole plan first, with its writes": (
            "cli/test_asking.py::test_a_plan_is_shown_and_asked_about_before_anything_happens"
        ),
        "add reads and no new kind of write once untrusted data is there": (
            "security/test_replanning.py::test_under_read_only_no_write_of_a_new_kind_ever_starts"
        ),
        "their planner sees its type and size, not its text": (
            "security/test_replanning.py::test_a_planner_that_goes_on_sees_summaries_of_what_is_not_trusted"
        ),
        "a value of that type is all that comes out": (
            "security/test_extract.py::test_whatever_is_replied_a_narrow_value_comes_out_or_none"
        ),
        "per provider, taken together, never held while waiting": (
            "schedule/test_limits.py::test_nothing_is_taken_while_something_is_missing"
        ),
        "in program order, only once the plan is complete": (
            "schedule/test_properties.py::test_a_plan_that_is_being_written_keeps_its_promises"
        ),
    },
    "docs/approval.md": {
        'Your own rules ask in every [mode](security.md#modes-and-rules-of-your-own) but `"warn"`': (
            "security/test_rules_in_every_mode.py::test_a_rule_that_asks_does_so"
        ),
        "where the call is made unasked, and a `Decided` event tells": (
            "security/test_rules_in_every_mode.py::test_with_warn_the_call_is_made_unasked_and_that_is_told"
        ),
        "While it waits it holds no slot and no token, and its timeout is not running": (
            "security/test_approval.py::test_the_time_in_which_somebody_thinks_is_not_that_of_the_tool"
        ),
        "Its place among the accesses of what it writes is kept": (
            "security/test_approval.py::test_a_write_that_waits_keeps_its_place_among_the_accesses"
        ),
        "Anything else that it returns, and whatever it raises, denies the call": (
            "security/test_approval.py::test_what_is_no_answer_denies_the_call"
        ),
        "It certainly did not happen. What refers to it is skipped": (
            "security/test_approval.py::test_a_refused_call_certainly_did_not_happen_and_skips_only_what_refers_to_it"
        ),
        "**A question is withdrawn**, and the callback cancelled, when the deadline passes": (
            "security/test_approval.py::test_a_deadline_withdraws_the_question"
        ),
        "**The question** has all that the function would be called with": (
            "security/test_shown_is_called.py::test_what_a_question_shows_is_what_the_function_receives"
        ),
        "cuts long values, but no destination": (
            "security/test_spelling.py::test_no_destination_is_cut_however_much_stands_beside_it"
        ),
        "**An answer is to what was shown.**": (
            "security/test_approval.py::test_what_is_approved_is_bound_to_the_same_arguments"
        ),
        "(an opaque handle whose repr changed), it is asked about again": (
            "security/test_effective_calls.py::test_what_changes_while_a_person_thinks_is_not_called_unseen"
        ),
        'needs no rule: `@tool(policy="ask")`': ("security/test_rules_as_objects.py::test_a_policy_means_what_it_says"),
        "Without `approve=`, a run with a journal waits in it": (
            "journal/test_approving.py::test_a_run_that_nobody_is_there_to_answer_is_suspended_when_the_rest_is_done"
        ),
        "Without a journal either, the call is denied": (
            "security/test_approval.py::test_without_anybody_to_ask_and_without_a_journal_the_call_is_denied"
        ),
        "Nothing that had succeeded is done again": (
            "journal/test_approving.py::test_an_answer_is_recorded_and_the_run_goes_on_without_doing_anything_again"
        ),
        "stands, also under a stricter policy": (
            "journal/test_approving.py::test_an_answer_stands_under_a_stricter_policy_too"
        ),
        "a default is not made a second time": (
            "journal/test_bound_answers.py::test_what_was_made_for_a_call_is_made_once_and_used_as_it_is"
        ),
        "a digest (`Question.digest`), keyed by the run and without anything secret in it": (
            "journal/test_bound_answers.py::test_a_digest_is_of_one_call_of_one_run"
        ),
        "if the run asks something else by now, it is refused with a message": (
            "journal/test_answers_to_what_was_read.py::test_another_question_is_not_answered"
        ),
        "They refuse ids of which nothing is asked": (
            "journal/test_approving.py::test_only_open_questions_can_be_answered"
        ),
        "What `journal.questions` shows is what a callback would have been shown": (
            "journal/test_bound_answers.py::test_a_journal_names_arguments_as_the_agent_does"
        ),
        "a call that needs one cannot be made by another process": (
            "journal/test_resume.py::test_a_call_that_needs_a_secret_of_the_plan_says_that_it_was_not_kept"
        ),
        "Text of tools is shown escaped": "security/test_unseen.py::test_so_it_is_wherever_a_question_is_put",
        "nothing of a plan is begun before a person has seen all of it": (
            "journal/test_approving.py::test_a_plan_waits_for_approval_before_anything_of_it_begins"
        ),
        "A first plan that is refused ends the run with `NotApproved`": (
            "journal/test_approving.py::test_a_refused_plan_ends_the_run"
        ),
        "after a later one the joiner answers from what there is": (
            "journal/test_approving.py::test_after_a_refused_replan_the_joiner_answers_from_what_there_is"
        ),
    },
    "docs/mcp.md": {
        "One for each server and event loop, opened by the first run": (
            "servers/test_connections.py::test_many_calls_share_one_client_which_is_left_at_the_end"
        ),
        "fails its calls and no others": (
            "servers/test_processes.py::test_a_server_killed_in_a_plan_fails_its_calls_and_these_alone_and_comes_back"
        ),
        "after pauses of half a second to half a minute": (
            "servers/test_connections.py::test_a_server_that_is_not_there_is_tried_again_after_pauses_that_grow"
        ),
        "and all of their group with them": (
            "servers/test_processes.py::test_servers_end_with_their_children_where_the_program_fails"
        ),
        "No model sees or answers them": (
            "servers/test_served_tools.py::test_a_server_asks_the_person_and_gets_no_secret"
        ),
        "what looks like a secret is not even asked": (
            "servers/test_elicitation.py::test_what_looks_like_a_secret_is_not_even_asked"
        ),
        "What declares none is a write": (
            "servers/test_served_tools.py::test_what_declares_no_effect_is_a_write_unless_its_server_is_believed"
        ),
        "makes nothing trusted, shared or repeated": (
            "servers/test_served_tools.py::test_nothing_is_trusted_or_repeated_because_a_server_says_so"
        ),
        "plans hand them to other tools, unchanged": (
            "servers/test_served_tools.py::test_results_are_structured_content_or_text_or_parts_that_tools_of_ours_take"
        ),
        "A write whose tool says that it failed has failed, and nothing is in doubt": (
            "servers/test_served_tools.py::test_a_write_whose_tool_says_that_it_failed_is_no_doubt"
        ),
        "is cancelled on its server": (
            "servers/test_served_tools.py::test_progress_is_told_and_a_call_that_is_given_up_is_cancelled_on_its_server"
        ),
        "without what could end a part of the prompt": (
            "servers/test_injections.py::test_a_description_that_orders_a_call_gets_none_made_until_somebody_accepts_it"
        ),
        "and pin what it always does": (
            "test_many_tools.py::test_what_is_pinned_is_shown_and_then_what_the_question_is_about"
        ),
        "there is no tool for a planner that nobody has accepted": (
            "servers/test_injections.py::test_a_description_that_orders_a_call_gets_none_made_until_somebody_accepts_it"
        ),
        "where nobody can be asked it is denied": (
            "servers/test_injections.py::test_what_a_tool_returned_chooses_no_destination_of_a_write"
        ),
        "A description that you accept is believed": (
            "servers/test_injections.py::test_a_description_that_orders_a_call_gets_none_made_until_somebody_accepts_it"
        ),
    },
    "docs/tools.md": {
        "The call is the plan, written in its place.": (
            "test_plans_in_plans.py::test_a_plan_that_is_called_is_the_plan_written_in_its_place"
        ),
        "What it is follows from what it holds.": (
            "test_plans_in_plans.py::test_what_a_tool_of_a_plan_may_do_follows_from_what_it_holds"
        ),
        "no planner is shown": ("test_plans_in_plans.py::test_the_tools_of_a_plan_are_called_by_nobody_else"),
        "Rules are asked about each call inside": (
            "test_plans_in_plans.py::test_admission_names_the_tool_and_its_own_tools_too"
        ),
        "A list that it is given is there when all of it is.": (
            "test_plans_in_plans.py::test_what_a_call_is_given_is_made_whether_anything_inside_needs_it_or_not"
        ),
        "ten may call one another": ("test_plans_in_plans.py::test_plans_call_one_another_to_a_depth"),
        "going on needs the tools, and no file of a plan": (
            "test_plans_in_plans.py::test_a_run_goes_on_inside_from_wherever_its_process_died"
        ),
        "opens what an agent's tools need, for several runs": (
            "servers/test_served_tools.py::test_a_changed_list_is_seen_by_the_next_run_and_not_by_the_one_under_way"
        ),
        "are validated against the annotations before a call is made": (
            "schedule/test_effects.py::test_arguments_are_checked_before_they_name_a_resource"
        ),
        "it carries what the caller gave to this run": (
            "schedule/test_unit.py::test_the_context_is_handed_to_who_declares_it_and_is_seen_nowhere_else"
        ),
        "a call of one is checked and made like any other": (
            "test_many_tools.py::test_a_tool_that_was_not_shown_can_be_called"
        ),
        "its signature goes to the planner with the error": (
            "test_many_tools.py::test_a_wrong_call_of_one_comes_back_with_its_signature"
        ),
        "can write the names that it was told of, and no others": (
            "test_many_tools.py::test_a_planner_that_is_held_to_a_grammar_can_name_what_it_was_told_of_alone"
        ),
        "says which of how many tools were shown": (
            "test_many_tools.py::test_what_is_pinned_is_shown_and_then_what_the_question_is_about"
        ),
        "for 98 of 100 questions the right ones are among them": (
            "test_many_tools.py::test_of_many_tools_the_right_ones_are_shown"
        ),
        "identifiers that no two tools share": (
            "tools/test_said.py::test_names_are_identifiers_that_no_two_tools_share_whatever_their_order"
        ),
        "tell what is new, changed or gone": (
            "tools/test_said.py::test_what_is_new_changed_and_gone_is_told_by_server"
        ),
        "Arguments are given by name only": (
            "tools/test_from_schema.py::test_what_comes_from_a_schema_is_given_by_name"
        ),
        "defaults are filled in before rules, approvals, labels and the journal see the call": (
            "tools/test_from_schema.py::test_defaults_are_sent_so_that_what_is_judged_is_what_is_sent"
        ),
        "if that does not fit, the call has failed (`ResultError`), and a write is in doubt": (
            "tools/test_from_schema.py::test_results_are_checked_by_their_schema"
        ),
        "references that lead out (nothing is ever fetched)": (
            "tools/test_hostile_schemas.py::test_a_schema_that_cannot_be_used_is_refused"
        ),
        "A tool that declares no `effect` is a `write`, as nobody knows what it does": (
            "tools/test_from_schema.py::test_what_declares_no_effect_is_a_write_and_untrusted"
        ),
        "by itself once a schema allows something other than before": (
            "tools/test_from_schema.py::test_a_run_is_not_resumed_with_another_schema"
        ),
        "It brings its limits and schemas": (
            "tools/test_live_toolsets.py::test_a_set_that_is_handed_over_itself_keeps_its_limits_and_schemas"
        ),
        "is asked about every call of its tools, in whatever list or set these are put": (
            "tools/test_live_toolsets.py::test_a_rule_of_a_set_holds_however_its_tools_are_handed_over"
        ),
        "entered before the first run that needs it and left after the last": (
            "tools/test_live_toolsets.py::test_runs_at_once_share_one_session_that_is_left_after_the_last"
        ),
        "nothing of theirs is run or recorded": (
            "tools/test_live_toolsets.py::test_what_cannot_be_opened_fails_the_run_says_which_and_is_tried_again"
        ),
        "the time this takes counts towards a `deadline=`": (
            "tools/test_live_toolsets.py::test_a_deadline_counts_from_before_the_tools_are_open"
        ),
        "During a run its tools stay what they are": (
            "tools/test_live_toolsets.py::test_tools_are_listed_anew_between_runs_and_stay_what_they_are_within_one"
        ),
        "`retry` covers unknown errors of a write too, as of a read": (
            "schedule/test_unit.py::test_an_idempotent_write_is_tried_again_after_any_retryable_error"
        ),
        "and so does what is tried again without one": (
            "schedule/test_idempotent_writes.py::test_without_a_retry_either_is_tried_again_after_what_is_transient"
        ),
        "a write too if the refusal says that nothing was done": (
            "schedule/test_refusal.py::test_a_write_that_was_refused_with_429_did_nothing_and_is_made_again"
        ),
        "three attempts in all, unless it is a write that is not `idempotent`": (
            "schedule/test_transient.py::test_what_is_harmless_twice_is_called_three_times_by_itself"
        ),
        "whatever is not understood is none": (
            "schedule/test_transient.py::"
            "test_what_the_same_call_meets_again_is_not_and_neither_is_what_nobody_understands"
        ),
        "a write is tried again only after what says that nothing happened, whatever its `retry`": (
            "schedule/test_idempotent_writes.py::test_a_write_that_is_not_idempotent_is_not_tried_again_whatever_its_retry"
        ),
        "at least one of them a write, the one that comes first in the program is made first": (
            "schedule/test_properties.py::test_every_plan_ends_and_keeps_its_promises"
        ),
        "**A write that failed** in a way that says that nothing happened": (
            "schedule/test_effects.py::test_a_failed_write_of_one_file_is_nothing_to_another"
        ),
        "**A write in doubt** (any other error, a timeout) skips every later access that may touch the same": (
            "schedule/test_effects.py::test_doubt_about_one_file_is_nothing_to_another"
        ),
        "So does one of an `idempotent` tool when its attempts are used up": (
            "schedule/test_idempotent_writes.py::test_an_idempotent_write_is_in_doubt_once_its_attempts_are_used_up"
        ),
        "a failed read holds nothing up": (
            "schedule/test_effects.py::test_a_read_that_fails_however_it_does_holds_nothing_up"
        ),
        "**Identical calls** of a `pure` tool, or of a `read` with `dedupe=True`, are one call": (
            "schedule/test_effects.py::test_identical_calls_of_a_pure_tool_are_one_call"
        ),
        "at most `rate` starts in any `per` seconds": (
            "schedule/test_limits.py::test_no_window_ever_sees_more_than_the_rate"
        ),
        "so `per` seconds can see `rate + b - 1`": (
            "schedule/test_windows_of_limits.py::test_no_window_sees_more_than_the_rate_and_a_burst_but_one"
        ),
        "Everything that a call needs is taken together when it starts": (
            "schedule/test_limits.py::test_nothing_is_taken_while_something_is_missing"
        ),
        "256 at once where `limits=` declares any, else 32": (
            "schedule/test_scarce_slots.py::"
            "test_without_a_cap_of_its_own_an_agent_that_declares_limits_is_bounded_by_those"
        ),
        "so a pipeline does not run stage after stage": (
            "schedule/test_scarce_slots.py::test_the_second_stage_does_not_wait_for_the_whole_first"
        ),
        "A call whose path goes on for long after all of those could be through goes before them": (
            "schedule/test_scarce_slots.py::test_a_path_that_goes_on_for_long_goes_before_limits_that_have_time"
        ),
        "One slot in four may be kept for a moment": (
            "schedule/test_scarce_slots.py::test_never_more_than_a_quarter_of_the_slots_is_kept_for_what_may_start_soon"
        ),
        "it is taken together with all else when a call starts, and nothing is held meanwhile": (
            "schedule/test_tool_threads.py::test_no_slot_is_held_while_a_call_waits_for_a_thread"
        ),
        "A run inside such a call goes on with its thread": (
            "schedule/test_tool_threads.py::test_a_run_inside_a_call_in_a_thread_goes_on_with_the_thread_of_that_call"
        ),
        "**Shared.** Runs take turns; within a run the most urgent call goes first": (
            "schedule/test_limits.py::test_runs_take_turns_however_much_each_of_them_wants"
        ),
        "A call that runs an agent lends its slots to that run": (
            "schedule/test_runs_inside_calls.py::test_no_limit_is_exceeded_and_every_call_ends"
        ),
        "it fails at once, and the message says so": (
            "schedule/test_runs_inside_calls.py::test_a_call_that_would_wait_for_ever_fails_at_once_with_a_message"
        ),
        "pauses its limits, not the run, and is tried again": (
            "schedule/test_limits.py::"
            "test_a_refusal_pauses_the_limit_for_every_tool_that_takes_part_in_it_and_nobody_else"
        ),
        "429 says that nothing was done, so a write is made again too": (
            "schedule/test_refusal.py::test_a_write_that_was_refused_with_429_did_nothing_and_is_made_again"
        ),
        "after 503 only what is harmless twice": (
            "schedule/test_refusal.py::test_a_write_that_met_503_is_in_doubt_and_is_made_again_only_if_that_is_harmless"
        ),
        "by at most half and at least a twentieth": (
            "schedule/test_narrowing.py::test_refusals_on_end_narrow_to_half_at_the_most_and_by_a_twentieth_at_least"
        ),
        "Beyond that the call fails at once, in the provider's words": (
            "schedule/test_closed_providers.py::test_a_call_waits_for_as_long_as_its_tool_says"
        ),
        "and so do those that wait for the same limit or come while it lasts": (
            "schedule/test_closed_providers.py::"
            "test_those_that_wait_for_the_same_limit_fail_too_and_nobody_asks_for_them"
        ),
        "That number and the words are handed on to no tool whose failures may not have them": (
            "schedule/test_closed_providers.py::test_words_go_to_no_tool_whose_failures_may_not_have_them"
        ),
        "Refusals between which nothing gets through add up": (
            "schedule/test_closed_providers.py::test_refusals_between_which_nothing_gets_through_add_up"
        ),
        "or gives no name, fails the call before anything is taken": (
            "schedule/test_limits_by_function.py::test_a_call_whose_limit_is_not_known_fails_before_anything_is_taken"
        ),
        "secret arguments are taken out": "schedule/test_limits_by_function.py::test_a_secret_is_in_no_name",
        "**Models.** Their calls take part in limits, too": (
            "test_limits_of_models.py::test_what_is_declared_under_its_name_holds_for_all_roles_and_repairs"
        ),
        "A lone refusal, before which a window's worth of calls got through, narrows a declared rate by a twentieth": (
            "schedule/test_slack.py::test_a_lone_refusal_narrows_by_a_twentieth_however_long_it_says_to_wait"
        ),
        "a window's worth of calls is spread over a tenth of a second more than the window": (
            "schedule/test_slack.py::test_a_window_is_stretched_by_a_tenth_of_a_second_and_a_short_one_by_less"
        ),
        "After a `burst` the next": "schedule/test_slack.py::test_after_a_burst_the_next_call_comes_a_slack_later",
        "**Nothing declared.** A tool without `limit` has a limit of its own": (
            "schedule/test_narrowing.py::test_the_limit_of_one_tool_is_not_that_of_another"
        ),
        "only if nothing else gets through or has been under way since the refusal before": (
            "schedule/test_width_or_rate.py::test_a_call_under_way_is_progress_and_a_refused_one_is_none"
        ),
        "and every tenth time": (
            "schedule/test_narrowing.py::test_attempts_that_others_got_through_beside_do_not_count"
        ),
        "A rate is learned where fewer are under way": (
            "schedule/test_width_or_rate.py::test_a_refusal_where_fewer_are_served_at_once_than_before_is_about_a_rate"
        ),
        "Where nothing gets through, nothing is learned of a rate": (
            "schedule/test_width_or_rate.py::test_a_burst_that_is_refused_whole_teaches_no_rate"
        ),
        "gives for each limit in use what runs, waits, was granted and refused": (
            "schedule/test_narrowing.py::test_statistics_say_what_a_limit_has_seen_beside_what_was_declared"
        ),
        "Nothing waits for company": "schedule/test_batch.py::test_nothing_waits_for_company",
        "A batch is one attempt: one slot and one token of the tool's limits, and its timeout": (
            "schedule/test_batch.py::test_a_batch_has_one_timeout_and_is_tried_again_as_one"
        ),
        "its progress is reported for all of them": (
            "schedule/test_batch.py::test_a_batch_gets_a_context_whose_progress_is_that_of_all"
        ),
        "A batch is cancelled when each of its calls is": (
            "schedule/test_batch.py::"
            "test_a_call_that_is_cancelled_alone_ends_alone_and_the_last_one_cancels_the_request"
        ),
        "A call that would go beyond what is left is not made": (
            "test_budgets.py::test_calls_beyond_the_cost_are_not_made_and_free_ones_are"
        ),
        "Once a budget is spent the planner is not asked again, neither for a repair nor for a replan": (
            "test_budgets.py::test_no_replan_is_asked_for_once_the_tokens_are_spent"
        ),
        "a plan that is not complete by then writes nothing": (
            "test_budgets.py::test_a_faulty_plan_is_not_repaired_once_the_tokens_are_spent_and_writes_nothing"
        ),
        "Every attempt costs": "test_budgets.py::test_every_attempt_costs",
        "A value of more than 256 MB, or nested more than 200 deep, is refused": (
            "test_weight.py::test_what_shares_its_parts_fails_before_anything_is_made_of_it"
        ),
        "(a write was done then, and is in doubt, so that it is not made again)": (
            "test_weight.py::test_a_write_whose_result_is_too_large_was_done_and_is_in_doubt"
        ),
        "from then on no call begins (kind `budget`), those that run end by themselves": (
            "test_weight.py::test_what_has_not_begun_when_a_run_is_full_does_not_begin"
        ),
        "A run that is resumed counts what it held before": (
            "test_weight.py::test_a_run_that_goes_on_counts_what_it_held"
        ),
        "A `repr` of an outcome, event, question or result has at most 4,000 characters": (
            "test_short_reprs.py::test_the_repr_of_what_holds_much_is_short"
        ),
        "`run` raises `JoinError` instead, whose `outcomes` are the same": (
            "test_absent_answers.py::test_an_answer_that_is_absent_for_a_cause_is_an_error"
        ),
        "its task settles once and the run ends": (
            "schedule/test_properties.py::test_a_run_that_is_stopped_at_any_time_settles_within_the_grace_period"
        ),
        "its attempt is given that lateness again, once and never more than its whole `timeout`": (
            "schedule/test_late_timers.py::test_what_never_comes_times_out_after_that_lateness_again"
        ),
        "is *abandoned* and the run goes on without it": (
            "schedule/test_properties.py::test_a_run_that_is_stopped_at_any_time_settles_within_the_grace_period"
        ),
        "is never called (`NotBegun`)": (
            "schedule/test_threads_and_forks.py::test_a_job_that_was_given_up_before_it_began_never_begins"
        ),
        "A write that failed in a way that does not say that nothing happened is *in doubt*": (
            "schedule/test_unit.py::test_a_write_whose_first_attempt_may_have_happened_stays_in_doubt"
        ),
        "Ctrl-C ends the runs of the main thread": (
            "schedule/test_interrupts.py::test_ctrl_c_ends_the_run_whatever_runs_the_loop"
        ),
        "Cancelling `agent.run(...)` cancels every call and waits for it to end": (
            "schedule/test_unit.py::test_a_run_that_is_cancelled_at_any_point_settles_within_the_grace_period"
        ),
        "no call runs any longer (but for its `grace=`)": (
            "schedule/test_unit.py::test_at_the_deadline_what_is_unfinished_fails_and_the_rest_is_kept"
        ),
        "the planner is not waited for, whatever its retries": (
            "test_deadlines.py::test_a_planner_has_until_the_deadline_with_all_its_tries"
        ),
        "with `joiner=None` that is the end": (
            "test_deadlines.py::test_without_a_joiner_the_answer_is_there_at_the_deadline"
        ),
        "a quarter of the deadline for it, and at least 2 seconds": (
            "test_deadlines.py::test_the_grace_is_a_quarter_of_the_deadline_and_two_seconds_at_least"
        ),
        "What it has not written by then is left out": ("test_deadlines.py::test_what_it_has_written_by_then_is_there"),
    },
    "docs/language.md": {
        "**A printed plan says its inputs**": "test_plan_inputs.py::test_a_printed_plan_says_its_inputs_and_reads_back",
        "A planner declares none": "test_plan_inputs.py::test_a_planner_declares_no_inputs",
        "**A type is one that a line can say**": "test_plan_inputs.py::test_what_is_no_input_cannot_be_declared",
        "all that is missing, unknown or of another type is said at once": (
            "test_plan_inputs.py::test_all_that_is_wrong_with_what_is_given_is_said_at_once"
        ),
        "Nothing changes it in place": "test_plan_inputs.py::test_an_input_is_not_changed_in_place",
        "is not trusted, `labelled(page, label)` has the label": (
            "test_plan_inputs.py::test_what_is_labelled_chooses_no_sink"
        ),
        "is in no journal, no printed plan, no view and no outcome": (
            "test_plan_inputs.py::test_a_secret_input_is_shown_nowhere"
        ),
        "what needs it fails without": (
            "journal/test_runs_with_inputs.py::test_without_a_secret_input_what_needs_it_fails_and_the_rest_goes_on"
        ),
        "the only ways for a secret": "cli/test_supplied_inputs.py::test_a_secret_is_not_typed",
        "collections 100,000 items": "plan/test_bounds_of_the_page.py::test_more_cannot",
        "`list(range(100000))` is within that": "plan/test_bounds_of_the_page.py::test_so_many_items_can_be_made",
        "What exceeds a bound fails alone, before anything is allocated": (
            "plan/test_bounds.py::test_what_exceeds_a_bound_is_refused_before_it_is_made"
        ),
        "So are `$500` and `${500}` in text where there is no step 500": (
            "plan/test_numbered.py::test_references_and_text"
        ),
        "of braces a warning is given": (
            "plan/test_numbered.py::test_what_is_written_as_nothing_but_a_reference_is_and_has_no_step_is_warned_of"
        ),
    },
    "docs/durable.md": {
        "of a plan are withheld, and given again": (
            "journal/test_runs_with_inputs.py::test_a_secret_input_is_given_again"
        ),
        "**A write is on the disk before it is made.**": (
            "journal/test_recording.py::test_the_start_of_a_write_is_on_the_disk"
        ),
        "**The rest is in the file within a hundredth of a second**": (
            "journal/test_recording.py::test_what_happened_is_in_the_file_soon"
        ),
        "**What is in the file is a beginning of the run**, whenever it was killed": (
            "journal/test_recording.py::test_whenever_it_is_killed_the_file_holds_a_beginning"
        ),
        "a plan that was executed is in it whole or not at all": (
            "journal/test_recording.py::test_a_plan_is_recorded_whole_or_not_at_all"
        ),
        "**One process at a time** is at work on a run": (
            "journal/test_file.py::test_two_processes_are_not_at_work_on_one_run"
        ),
        "**Only those who need the disk wait for it.**": (
            "journal/test_writer.py::test_what_does_not_wait_for_its_record_goes_on_in_the_same_run"
        ),
        "**Nothing goes on unrecorded.**": "journal/test_recording.py::test_a_full_disk_stops_the_run",
        "a write whose start could not be recorded is not made": (
            "journal/test_recording.py::test_a_write_whose_start_cannot_be_recorded_is_not_made"
        ),
        "that is a `JournalError`, and the write is not made": (
            "journal/test_moved.py::test_a_write_is_not_made_that_would_not_be_recorded"
        ),
        "once another process has taken a run over, nothing more of it is recorded here, none of its writes is begun": (
            "journal/test_moved.py::test_nothing_of_a_run_is_written_that_another_has_taken_over"
        ),
        "A run is not resumed from a copy while the original is there on the same machine": (
            "journal/test_copied_journals.py::test_a_copy_is_not_gone_on_with_beside_its_original"
        ),
        "What had succeeded or failed is not done again": (
            "journal/test_resume.py::test_what_had_succeeded_is_not_done_again_and_what_was_under_way_is"
        ),
        "is never finished without the planner": "journal/test_resume_unsealed.py::test_a_draft_is_never_written",
        "A run whose deadline had passed is stopped again": (
            "schedule/test_restore.py::test_a_run_that_died_while_it_was_being_stopped_starts_nothing_more"
        ),
        "otherwise the error names them before anything runs": (
            "journal/test_resume.py::test_a_tool_that_is_gone_is_named_before_anything_runs"
        ),
        "becomes one of that class again where a tool's parameter asks for it": (
            "journal/test_resume.py::test_a_record_that_was_read_back_fits_where_its_class_is_wanted"
        ),
        "The rules under which the run was begun must be there": (
            "journal/test_rules_over_resume.py::test_a_run_does_not_go_on_without_a_guard_whatever_is_said"
        ),
        "**What is gone is refused**, always": (
            "journal/test_rules_over_resume.py::test_a_run_does_not_go_on_without_a_guard_whatever_is_said"
        ),
        "**What says something else is shown and refused**, unless you say that you know": (
            "journal/test_rules_over_resume.py::"
            "test_a_run_goes_on_under_a_guard_that_says_something_else_if_somebody_says_so"
        ),
        "**What is stricter, or comes in addition, is allowed and told**": (
            "journal/test_rules_over_resume.py::test_what_is_stricter_or_comes_in_addition_is_told"
        ),
        "**What a release does not know** of a newer one's journal, or cannot read, counts as gone": (
            "journal/test_rules_over_resume.py::test_a_guard_that_a_newer_release_recorded_is_not_done_without"
        ),
        "such a run goes on under the rules of the agent that resumes it, and `Resumed` says so": (
            "journal/test_rules_over_resume.py::"
            "test_a_run_of_an_older_journal_goes_on_under_the_rules_of_who_goes_on_with_a_line"
        ),
        "what was spent before counts": "journal/test_resume.py::test_budgets_count_what_was_spent_before",
        "an agent without the budget, or with a larger one, does not go on with the run unasked": (
            "journal/test_rules_over_resume.py::test_a_run_does_not_go_on_without_a_guard_whatever_is_said"
        ),
        'told (`"warn"`) < kept': (
            "journal/test_rules_over_resume.py::test_a_run_does_not_go_on_without_a_guard_whatever_is_said"
        ),
        '`@tool(effect="write", idempotent=True)` is called again': (
            "journal/test_resume.py::test_an_idempotent_write_is_called_again_with_the_same_key"
        ),
        "`resolve` is asked once for each, before anything else happens": (
            "journal/test_resume.py::test_who_says_that_a_write_did_not_happen_has_it_called_again"
        ),
        "`StillUnknown()`: the task fails in doubt": (
            "journal/test_resume.py::test_a_write_of_which_nobody_knows_fails_in_doubt_and_stops_what_follows_it"
        ),
        "the class itself is never looked for": (
            "security/test_other_ways_in.py::test_a_record_that_is_read_back_names_a_class_and_imports_nothing"
        ),
        "The **`context`** of a run is never recorded": (
            "journal/test_recording.py::test_no_byte_of_a_secret_is_in_the_files"
        ),
        "wherever they stand in arguments or results, are recorded as `**********`": (
            "journal/test_recording.py::test_no_byte_of_a_secret_is_in_the_files"
        ),
        "their arguments are withheld from every event, screens included": (
            "journal/test_recording.py::test_secrets_are_not_shown_in_events_either"
        ),
        "is a mark in the journal, as a whole": (
            "journal/test_secrets.py::test_a_secret_in_any_script_is_found_in_what_is_recorded"
        ),
    },
    "docs/models.md": {
        "`instructions=` come before the tools": (
            "test_examples.py::test_examples_are_turns_between_the_tools_and_the_question"
        ),
        "A plan that does not check is refused when the agent is made": (
            "test_examples.py::test_a_plan_that_does_not_check_is_refused_when_the_agent_is_made"
        ),
        "an example that these do not allow is left out, with a warning": (
            "test_examples.py::test_an_example_that_tools_do_not_allow_which_are_listed_later_is_left_out_and_told_of"
        ),
        "the right one is shown for 98 % of 50 questions": (
            "test_examples.py::test_the_right_example_is_chosen_for_most_of_fifty_questions"
        ),
        "what the planner is not told of, even by name, is not shown": (
            "test_examples.py::test_examples_are_not_shown_whose_tools_a_constrained_planner_cannot_name"
        ),
        "shapes what later plans are made like, whatever tools returned": (
            "test_examples.py::test_a_plan_that_was_made_with_a_strangers_text_in_view_is_never_learned"
        ),
        'lines such as `{"question": "Thanks!", "plan": "join()"}`': (
            "cli/test_examples_option.py::test_files_of_examples_are_read_in_their_order"
        ),
        "The rest of the plan, or the answer, is then asked of the next one": (
            "test_fallback.py::test_the_rest_of_a_plan_comes_from_the_next_one"
        ),
        "that waits for its turn does not wait behind such a refusal": (
            "test_fallback.py::test_a_call_that_waits_for_its_turn_does_not_wait_behind_a_refusal_of_another"
        ),
        "the one that is free first is waited for": (
            "test_fallback.py::test_where_all_refuse_the_one_that_is_free_first_is_waited_for"
        ),
        "says nothing of the next request: that is put to the first one again": (
            "test_fallback.py::test_one_that_does_not_take_a_request_is_asked_first_the_next_time"
        ),
        "a fallback without a key would be found out when it is needed": (
            "test_fallback.py::test_one_that_lacks_something_is_known_before_the_run_begins"
        ),
        "the error names the bound, `first_token_timeout`": (
            "test_silence.py::test_a_model_that_never_says_its_first_word_is_given_up"
        ),
        "A plan goes on from its last complete statement, an answer or a value is asked for once more": (
            "test_silence.py::test_a_plan_goes_on_from_its_last_whole_statement_where_its_writer_fell_silent"
        ),
        "where the stream stays open, the reply is whole": (
            "test_silence.py::test_a_reply_that_has_said_its_end_is_whole_though_its_stream_stays_open"
        ),
        "A model that is held to it cannot name a tool or an argument that does not exist": (
            "plan/test_grammar.py::test_what_a_grammar_accepts_can_be_read"
        ),
        "names and events have a digest of the key at the most": (
            "test_limits_of_models.py::test_models_with_the_same_address_and_key_count_together"
        ),
        "so an application can be imported, checked and tested without": (
            "models/test_resolve.py::test_an_agent_is_made_without_the_extra_and_the_key"
        ),
        "No key is printed": "cli/test_models.py::test_providers_are_listed_by_what_is_to_be_done",
        "so a refusal is seen and not waited out": (
            "cli/test_models.py::test_one_that_does_not_is_said_with_the_reason_at_once"
        ),
        "so it does not pass while a call waits": (
            "test_limits_of_models.py::test_a_reply_has_its_whole_time_from_when_it_is_asked_for"
        ),
        "the run fails at once with its words, and so do others while that lasts": (
            "test_limits_of_models.py::test_a_quota_of_the_day_fails_every_run_at_once_in_its_words"
        ),
        "A redirect to another scheme, host or port is refused": (
            "models/test_origin.py::test_a_redirect_to_another_origin_is_refused"
        ),
        "The message names the URL and never a key": "models/test_streams.py::test_a_key_is_in_no_message",
        "Over plain HTTP that is this machine alone": (
            "models/test_origin.py::test_only_this_machine_is_spoken_to_in_the_open"
        ),
        "a folder or file that is a link, belongs to somebody else or may be written by others is refused": (
            "test_private_files.py::test_a_model_that_others_may_write_is_not_loaded"
        ),
        "**Any other word says that it was cut.**": "test_cut_replies.py::test_a_cut_is_told_in_the_event",
        "*A plan* that was cut writes nothing": (
            "models/test_streams.py::test_a_plan_that_is_cut_writes_nothing_however_its_bytes_are_cut"
        ),
        "The joiner is asked once more for the whole of it": (
            "models/test_streams.py::test_an_answer_that_is_cut_is_asked_for_once_more"
        ),
        "One that the run's [`deadline=`](tools.md#what-can-happen-to-a-task) cuts is not asked for again": (
            "test_deadlines.py::test_a_joiner_that_takes_ninety_seconds_has_the_grace_and_no_more"
        ),
        "a record that a plan reads and does not join is not shown to the model that answers": (
            "test_joined_results.py::test_what_is_not_joined_is_not_shown"
        ),
        "The planner has the files of the question and no others, in any round": (
            "test_files.py::test_the_planner_is_given_those_of_the_question_and_the_joiner_those_that_are_joined_too"
        ),
        "for any other, and other servers, say it": (
            "models/test_files_of_models.py::test_what_a_model_takes_is_known_by_its_name_where_its_provider_says_so"
        ),
        "is withheld, and the model reads in its place what that was and why": (
            "test_files.py::test_what_a_model_does_not_take_is_said_to_it_and_in_an_event"
        ),
        "in a block that is marked as data and that nothing in them can end": (
            "test_files.py::test_texts_are_read_by_every_model_in_a_block_that_they_cannot_end"
        ),
        "**An address is never followed**, by us or by the provider": "test_files.py::test_what_no_model_is_given",
        "**A file whose content is not of the kind that it says**": "test_files.py::test_what_no_model_is_given",
        "**A joiner whose provider refuses a request with files**": (
            "test_files.py::test_a_file_that_a_provider_cannot_read_does_not_keep_the_joiner_from_answering"
        ),
        "**Of many** the reasons are said of 20": (
            "test_files.py::test_a_prompt_does_not_grow_with_what_a_stranger_lists"
        ),
        "What somebody called a file stands in blocks of data alone, and in no other field of a request": (
            "models/test_files_of_models.py::test_chat_completions_have_them_inside_of_the_request"
        ),
        "so is a copy of a result (pickled, say), which does not know what was secret in its run": (
            "test_examples.py::test_what_is_secret_in_the_context_of_a_run_is_not_learned"
        ),
        "so a run that is resumed has them all": (
            "test_files.py::test_a_resumed_run_has_its_files_and_those_of_its_tools"
        ),
        "A list that is made item by item says what each item is for": (
            "test_joined_results.py::test_the_items_of_what_is_joined_say_what_they_are_for_and_why_one_is_missing"
        ),
        "*What failed* is told with its reason": "test_joined_results.py::test_many_failures_are_counted",
        "*A write* is told to be done, not done or not needed, and not what it returned": (
            "test_joined_results.py::test_whether_each_write_was_made_is_told_and_nothing_of_what_it_returned"
        ),
        "A plan that came to no `join`, since it was broken off or the time was over, is shown as a whole": (
            "test_joined_results.py::test_a_plan_that_was_broken_off_is_shown_as_a_whole"
        ),
        "*An extraction* takes no value from a reply that was cut": (
            "models/test_streams.py::test_no_value_comes_from_an_extraction_that_is_cut"
        ),
        "whatever was planned from it is taken back, its reads are cancelled, and no write has run": (
            "test_replies.py::test_a_thought_that_nothing_opened_is_taken_back_with_its_reads"
        ),
        "the round ends at once with a `PlanError` that shows them": (
            "test_planning.py::test_a_planner_that_repeats_its_mistake_ends_the_round"
        ),
        "A reply that calls nothing and assigns nothing is an error too": (
            "test_planning.py::test_a_reply_without_a_statement_is_asked_for_again"
        ),
        "Nothing that a tool returned is among what goes back": (
            "security/test_prompts_as_targets.py::test_a_repair_sees_nothing_that_a_tool_returned"
        ),
        "*An edit* has the corrected lines": "test_repairs.py::test_the_final_text_decides",
        "*The whole round* has a `join(...)`, all that it uses": "test_repairs.py::test_the_final_text_decides",
        "what it writes is an answer or that request, never a call": (
            "security/test_prompts_as_targets.py::test_a_tool_is_called_only_where_the_plan_calls_it"
        ),
        "and not the joiner's reason": (
            "security/test_prompts_as_targets.py::test_the_reason_of_a_joiner_that_read_mail_is_not_told_to_the_planner"
        ),
        "the joiner is told that nothing more can be looked up": (
            "security/test_replanning.py::test_with_never_the_joiner_hears_that_nothing_more_can_be_looked_up"
        ),
        "Nothing that it writes from then on is trusted": (
            "security/test_replanning.py::test_all_that_a_planner_writes_after_it_saw_text_is_not_trusted"
        ),
        "in these, what an assistant said is not trusted unless you say `history_trusted=True`": (
            "security/test_readers_over_rounds.py::"
            "test_turns_of_a_user_are_the_users_and_those_of_an_assistant_are_not_trusted"
        ),
    },
    "docs/security.md": {
        "A plan of a client and its inputs are an untrusted model's text": (
            "gateway/test_gateway_runs.py::test_inputs_of_a_client_are_as_trusted_as_what_it_writes"
        ),
        "is written beside the journal before the reply leaves": (
            "gateway/test_gateway_attacks.py::test_what_is_remembered_is_written_before_it_is_told_and_a_damaged_file_tells_nothing"
        ),
        "a client is shown no text that a stranger chose": (
            "gateway/test_gateway_worlds.py::test_a_client_that_reads_handles_is_told_the_same_whatever_texts_say"
        ),
        "an id of another one is answered as one that was made up": (
            "gateway/test_gateway_attacks.py::test_runs_of_others_are_nobodys"
        ),
        "An answer through a client counts where `--client-approves` names it": (
            "gateway/test_gateway_runs.py::test_an_answer_through_a_client_that_asks_nobody_does_not_count"
        ),
        "another one whose bytes have a secret as it is is shown to no joiner or planner, and to no journal": (
            "test_files.py::test_what_is_secret_is_taken_out_of_texts_and_other_files_that_have_it_go_to_nobody"
        ),
        "With nothing declared, what a tool returns is not trusted": (
            "security/test_policies.py::test_untrusted_data_chooses_no_destination"
        ),
        "are sinks by themselves": ("security/test_policies.py::test_sinks_are_declared_marked_or_known_by_their_type"),
        "is an error when the tool is made": (
            "security/test_marks.py::test_a_mark_that_can_mean_nothing_is_an_error_when_the_tool_is_made"
        ),
        "a person is asked (or it is denied, where nobody is there to ask)": (
            "security/test_unsaid_destinations.py::test_what_is_not_trusted_asks_where_it_may_be_a_destination"
        ),
        "What is denied certainly did not happen": (
            "security/test_policies.py::test_nothing_is_started_of_what_is_denied"
        ),
        "nothing in a plan makes a value more trusted": (
            "security/test_label_soundness.py::test_what_is_trusted_does_not_depend_on_what_is_not"
        ),
        "lets an identifier through and no sentence": (
            "security/test_vouched_texts.py::"
            "test_a_vouched_value_is_taken_for_a_destination_and_shown_as_far_as_nobody_can_say_much_with_it"
        ),
        "never that somebody else does": (
            "security/test_vouching.py::test_what_is_not_trusted_may_choose_one_of_them_and_no_other"
        ),
        '`Sink(control=True)` forbids it for one destination, and `Policy(control="sinks")` for all of them': (
            "security/test_control.py::test_what_may_be_chosen_by_anybody_may_not_be_by_a_condition"
        ),
        "So it counts like one, for every argument of such a call": (
            "security/test_filters_by_failing.py::test_an_argument_that_fails_is_a_filter_like_any_other"
        ),
        "A read gives away its arguments as surely as a write does": (
            "security/test_policies.py::test_a_read_gives_away_what_it_is_called_with"
        ),
        "what decides on a call counts like one more argument of it": (
            "security/test_two_readers.py::"
            "test_what_a_plan_finds_in_a_confidential_text_decides_no_call_that_others_see"
        ),
        "do not go out in one request, which could fail for both": (
            "security/test_two_readers.py::test_nor_where_calls_are_shared_sent_together_or_let_go"
        ),
        "it happens, and a `Decided` event tells": (
            "security/test_rules_in_every_mode.py::test_with_warn_the_call_is_made_unasked_and_that_is_told"
        ),
        '`"off"` switches off ours, and none of yours': (
            "security/test_rules_in_every_mode.py::test_a_rule_that_denies_does_so"
        ),
        '| `"off"` | is not looked at | as it says | denied |': (
            "security/test_admission.py::test_with_the_policy_off_bounds_are_kept"
        ),
        "the strictest of all that are asked wins": (
            "security/test_policies.py::test_rules_of_tools_toolsets_and_the_agent_are_asked_and_the_strictest_wins"
        ),
        "A rule that raises, is async or returns anything else denies": (
            "security/test_rules_of_any_kind.py::test_its_call_is_denied_and_the_run_goes_on"
        ),
        "none can change the call, or what the next rule sees": (
            "security/test_effective_calls.py::test_a_rule_that_changes_what_it_is_shown_changes_no_call"
        ),
        "that planner is shown the status, the type and the size, never the text": (
            "security/test_replanning.py::test_a_planner_that_goes_on_sees_summaries_of_what_is_not_trusted"
        ),
        "the new round may add reads, and writes of a kind that was planned before": (
            "security/test_replanning.py::test_a_write_of_a_kind_that_was_planned_before_may_be_made_again"
        ),
        "An answer is as trusted as what it was made from, and for the same readers": (
            "security/test_readers_over_rounds.py::test_an_answer_says_who_may_read_it_and_so_does_what_is_planned_next"
        ),
        "nothing gets through but a value of a registered type": (
            "security/test_extract.py::test_whatever_is_replied_a_narrow_value_comes_out_or_none"
        ),
        "in failures, tracebacks and [logs](debugging.md#logs)": (
            "test_logs.py::test_nothing_secret_is_logged_not_even_by_a_traceback"
        ),
        "the names of exception classes, progress, reasons": (
            "journal/test_secrets.py::test_failures_class_names_and_progress_say_no_secret"
        ),
        "in what the joiner and later planners are shown of results": (
            "journal/test_secrets.py::test_no_model_is_shown_a_secret_of_a_result"
        ),
        "where a value with a secret in it is a mark as a whole": (
            "journal/test_secrets.py::test_a_secret_stands_in_no_file_of_the_journal"
        ),
        "nothing of the text is let through: `(withheld: redact= raised ValueError)`": (
            "test_scrubber.py::test_a_hook_that_raises_lets_nothing_through"
        ),
        "Of URLs in the texts of exceptions userinfo, query and fragment are always left out": (
            "test_scrubber.py::test_what_a_url_may_hide_is_left_out_of_the_texts_of_exceptions"
        ),
    },
}

LEFT_OUT: Final[dict[str, tuple[str, ...]]] = {
    "README.md": ("Learn more",),  # links
    "docs/security.md": ("What is not protected",),  # the opposite of promises
}
"""Sections whose points promise nothing."""


def words(text: str) -> str:
    """A text on one line, whatever its lines are."""
    return " ".join(text.split())


@pytest.mark.parametrize("page", PROMISES)
def test_each_sentence_stands_on_its_page_as_it_stands_here(page: str) -> None:
    text = words((ROOT / page).read_text(encoding="utf-8"))
    assert [sentence for sentence in PROMISES[page] if sentence not in text] == []


@pytest.mark.parametrize("page", PROMISES)
def test_the_test_of_each_sentence_is_there(page: str) -> None:
    assert [test for test in PROMISES[page].values() if not is_there(test)] == []


def is_there(test: str) -> bool:
    """Whether a test of this name stands in its file."""
    file, _, name = test.partition("::")
    path = ROOT / "tests" / file
    return path.is_file() and f"\ndef {name}(" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PROMISES)
def test_every_point_about_a_guard_is_here(page: str) -> None:
    """Pages put what is promised into points: each of them has a sentence above."""
    points = points_of((ROOT / page).read_text(encoding="utf-8"), without=LEFT_OUT.get(page, ()))
    assert [point for point in points if not any(sentence in point for sentence in PROMISES[page])] == []


def points_of(text: str, *, without: tuple[str, ...]) -> list[str]:
    """The points of a page, each on one line, but those of some sections."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    sections = re.split(r"^#+ ", prose, flags=re.MULTILINE)
    kept = "".join(f"\n{section}" for section in sections if not section.startswith(without))
    return [words(point) for point in re.findall(r"^- (.*(?:\n  .*)*)", kept, flags=re.MULTILINE)]


def test_no_page_nor_what_help_prints_names_rules_by_numbers() -> None:
    """They are those of a text that is not in the repository."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    public = [getattr(superscalar, name) for name in superscalar.__all__]
    public += [one for one in vars(superscalar.events).values() if isinstance(one, type)]
    told = {page.name: page.read_text(encoding="utf-8") for page in pages}
    told |= {one.__name__: one.__doc__ or "" for one in public if isinstance(one, type) or callable(one)}
    told |= {stage.name: stage.purpose for stage in explain(Plan(()), Signatures())}
    assert [name for name, text in told.items() if re.search(r"\bL\d{1,2}\b", text)] == []


@pytest.mark.parametrize(
    ("command", "promise"),
    [
        ("run", "the answer may take a quarter of it more, and at least 2 s"),  # tests/test_deadlines.py
        ("resume", "[default: as it was begun]"),  # tests/cli/test_resuming.py
    ],
)
def test_help_promises_what_the_pages_do(command: str, promise: str) -> None:
    printed = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "4000", "NO_COLOR": "1"}).stdout
    assert promise in words(printed)
