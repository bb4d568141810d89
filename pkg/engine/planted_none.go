//go:build !(planted_second_body || planted_closed_early || planted_arrival_order || planted_lost_timer || planted_no_reanchor || planted_unless_soon || planted_silence || planted_late_beat || planted_lost_revision || planted_late_admitted || planted_open_end || planted_forgotten_id || planted_where_soon || planted_cancel_soon || planted_having_once || planted_instead_soon || planted_cap_reach || planted_days_elapsed || planted_part_kept || planted_early_end || planted_waiver_late || planted_waiver_end || planted_revoked_whole || planted_waiver_drop || planted_hole || planted_number_late || planted_least_body || planted_one_version || planted_backwards || planted_digest_order || planted_clock_soon || planted_any_sender || planted_table_unheard || planted_same_forgotten || planted_compensated || planted_pending_verdict || planted_late_join || planted_first_verdict || planted_opens_soon || planted_table_of_item)

package engine

const planted = ""
