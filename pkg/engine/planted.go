package engine

// The planted bugs. Each has a build tag that turns it on; with none of them the
// constant is empty and the compiler drops the branches. scripts/planted.sh builds
// the property test with each and demands that it fails: a harness that would not
// notice proves nothing.
const (
	plantedSecondBody     = "second_body"     // two bodies of one event both count
	plantedClosedEarly    = "closed_early"    // an interval closes at its end, not after it
	plantedArrivalOrder   = "arrival_order"   // matches keep the order of arrival
	plantedLostTimer      = "lost_timer"      // nobody looks when an interval closes
	plantedNoReanchor     = "no_reanchor"     // the event that came first opens the item for ever
	plantedUnlessTooSoon  = "unless_soon"     // what may still be undone counts already
	plantedSilenceIsFine  = "silence"         // a silent source counts as heard
	plantedLateBeat       = "late_beat"       // late word of a source changes nothing
	plantedLostRevision   = "lost_revision"   // a restart forgets what was said
	plantedLateAdmitted   = "late_admitted"   // what comes too late counts all the same
	plantedOpenEndByTime  = "open_end"        // an open end is measured by time, not by order
	plantedForgottenID    = "forgotten_id"    // an item that ended can be opened again
	plantedWhereTooSoon   = "where_soon"      // what a condition can't know yet, it takes for false
	plantedCancelTooSoon  = "cancel_soon"     // what may still be cancelled is judged already
	plantedHavingOnce     = "having_once"     // what has opened an item is not asked again
	plantedInsteadTooSoon = "instead_soon"    // an alternative that can't be told yet is passed over
	plantedCapAsEnd       = "cap_reach"       // evidence is looked for on one side of the item only
	plantedDaysElapsed    = "days_elapsed"    // business days are looked for as days of 24 hours
	plantedPartKept       = "part_kept"       // a part whose row is gone stays an item
	plantedEndsEarly      = "early_end"       // evidence is forgotten while an item still looks back to it
	plantedWaiverLate     = "waiver_late"     // a waiver that comes late changes nothing that was said
	plantedWaiverEnd      = "waiver_end"      // a waiver covers the instant that it ends at
	plantedRevokedWhole   = "revoked_whole"   // a waiver that is taken back never was
	plantedWaiverClock    = "waiver_clock"    // a waiver is dropped though a clock may have an item stand in its time
	plantedWaiverDropped  = "waiver_drop"     // a waiver is dropped while its items are still judged
	plantedHoleIsFine     = "hole"            // what a source counted and nobody got counts as heard
	plantedNumberTooLate  = "number_late"     // a number fills a hole whose event came too late
	plantedLeastBody      = "least_body"      // where bodies of an event disagree, the least is believed
	plantedOneVersion     = "one_version"     // an item keeps the version that it first belonged to
	plantedBackwards      = "backwards"       // an interval that ends before it starts waits to be heard
	plantedDigestInOrder  = "digest_order"    // a digest is of values in the order of events
	plantedClockIgnored   = "clock_soon"      // what may still come to count in an interval is not waited for
	plantedAnySender      = "any_sender"      // the silence of who can't send the evidence matters
	plantedTableUnheard   = "table_unheard"   // what a table says is believed, heard or not
	plantedSameForgotten  = "same_forgotten"  // an id is forgotten when its events are dropped
	plantedCompensated    = "compensated"     // a waiver covers whatever the compensating control said
	plantedPendingVerdict = "pending_verdict" // a verdict that isn't there yet is not waited for
	plantedLateJoin       = "late_join"       // an item that comes to a key after its evidence doesn't get it
	plantedFirstVerdict   = "first_verdict"   // what an item said first stays evidence
	plantedOpensSoon      = "opens_soon"      // an event opens its item before the time that its clock says
	plantedTableOfItem    = "table_of_item"   // a table is read as of the item, whatever time is asked
	plantedHistory        = "history"         // what was never read counts as read
	plantedUnreadCounts   = "unread_counts"   // what came before the record of a version counts for it
	plantedBeatsForgotten = "beats_forgotten" // signs of life are dropped while intervals still reach back to them
	plantedUndoneQuietly  = "undone_quietly"  // what undoes evidence is looked at when that can't be undone any more
	plantedSpareKept      = "spare_kept"      // an item begins with what the one had whose place it takes
	plantedRowOpens       = "row_opens"       // after a restart, what is kept as a row alone opens its item again
	plantedRivalRow       = "rival_row"       // a body that counts for nothing takes the place of a row that does
)
