package sim_test

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/services/evaluator/internal/evaltest"
)

// trouble is one way in which the broker, or the way to it, fails once.
type trouble struct {
	name  string
	fault kfake.Fault
	// lost: what is asked is done, and the answer is lost with the connections of
	// all parts of this kind.
	lost string
}

// troubles are all of them. An error that a broker gives after it did the work
// (REQUEST_TIMED_OUT) is one of them.
func troubles() []trouble {
	produce := func(topic string, err *kerr.Error) kfake.Fault {
		return kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: err}
	}
	of := func(group string, err *kerr.Error, key kmsg.Key) kfake.Fault {
		return kfake.Fault{Keys: []kmsg.Key{key}, Group: group, Err: err}
	}
	txn := func(err *kerr.Error, key kmsg.Key) kfake.Fault {
		return kfake.Fault{Keys: []kmsg.Key{key}, Err: err, TopLevel: true, When: transactional}
	}
	list := []trouble{
		{name: "end of transaction: unknown server error", fault: txn(kerr.UnknownServerError, kmsg.EndTxn)},
		{name: "end of transaction: concurrent transactions", fault: txn(kerr.ConcurrentTransactions, kmsg.EndTxn)},
		{name: "end of transaction: fenced", fault: txn(kerr.InvalidProducerEpoch, kmsg.EndTxn)},
		{name: "claim: concurrent transactions", fault: txn(kerr.ConcurrentTransactions, kmsg.InitProducerID)},
		{name: "commit in transaction: loading", fault: of(judges, kerr.CoordinatorLoadInProgress, kmsg.TxnOffsetCommit)},
		{name: "commit in transaction: illegal generation", fault: of(judges, kerr.IllegalGeneration, kmsg.TxnOffsetCommit)},
		{name: "commit in transaction: done, timed out", fault: of(judges, kerr.RequestTimedOut, kmsg.TxnOffsetCommit)},
		{name: "answer lost: end of transaction", fault: kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}}, lost: judges},
		{name: "answer lost: commit in transaction", fault: kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}}, lost: judges},
		{name: "answer lost: verdicts", fault: produce(evaltest.Verdicts, nil), lost: judges},
		{name: "answer lost: routed", fault: produce(evaltest.Routed, nil), lost: routers},
		{name: "answer lost: violations", fault: produce(evaltest.Violations, nil), lost: publishers},
		{name: "answer lost: commit of router", fault: kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: routers}, lost: routers},
	}
	for _, topic := range []string{evaltest.Routed, evaltest.Routed, evaltest.Verdicts, evaltest.State, evaltest.Violations} {
		list = append(list,
			trouble{name: "produce refused: " + topic, fault: produce(topic, kerr.TopicAuthorizationFailed)},
			trouble{name: "produce done, timed out: " + topic, fault: produce(topic, kerr.RequestTimedOut)},
			trouble{name: "produce not led here: " + topic, fault: produce(topic, kerr.NotLeaderForPartition)},
		)
	}
	for _, group := range []string{routers, judges, publishers} {
		list = append(list,
			trouble{name: "heartbeat unknown: " + group, fault: of(group, kerr.UnknownMemberID, kmsg.Heartbeat)},
			trouble{name: "heartbeat rebalance: " + group, fault: of(group, kerr.RebalanceInProgress, kmsg.Heartbeat)},
			trouble{name: "offset fetch loading: " + group, fault: of(group, kerr.CoordinatorLoadInProgress, kmsg.OffsetFetch)},
		)
	}
	for _, group := range []string{routers, publishers} {
		list = append(list,
			trouble{name: "commit done, timed out: " + group, fault: of(group, kerr.RequestTimedOut, kmsg.OffsetCommit)},
			trouble{name: "commit in a rebalance: " + group, fault: of(group, kerr.RebalanceInProgress, kmsg.OffsetCommit)},
			trouble{name: "commit unknown member: " + group, fault: of(group, kerr.UnknownMemberID, kmsg.OffsetCommit)},
		)
	}
	for _, topic := range []string{evaltest.Access, evaltest.Routed, evaltest.Verdicts, evaltest.State} {
		list = append(list, trouble{name: "fetch not led here: " + topic, fault: kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: topic, Err: kerr.NotLeaderForPartition}})
	}
	return list
}

// stagedTroubles are of those who judge in later stages.
func stagedTroubles() []trouble {
	produce := func(err *kerr.Error) kfake.Fault {
		return kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: evaltest.Findings, Err: err}
	}
	of := func(err *kerr.Error, key kmsg.Key) kfake.Fault {
		return kfake.Fault{Keys: []kmsg.Key{key}, Group: stagers, Err: err}
	}
	return []trouble{
		{name: "produce refused: findings", fault: produce(kerr.TopicAuthorizationFailed)},
		{name: "produce done, timed out: findings", fault: produce(kerr.RequestTimedOut)},
		{name: "answer lost: findings", fault: produce(nil), lost: judges},
		{name: "answer lost: end of transaction of stages", fault: kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}}, lost: stagers},
		{name: "commit in transaction of stages: illegal generation", fault: of(kerr.IllegalGeneration, kmsg.TxnOffsetCommit)},
		{name: "commit in transaction of stages: done, timed out", fault: of(kerr.RequestTimedOut, kmsg.TxnOffsetCommit)},
		{name: "heartbeat unknown: stages", fault: of(kerr.UnknownMemberID, kmsg.Heartbeat)},
		{name: "offset fetch loading: stages", fault: of(kerr.CoordinatorLoadInProgress, kmsg.OffsetFetch)},
		{name: "fetch not led here: findings", fault: kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: evaltest.Findings, Err: kerr.NotLeaderForPartition}},
	}
}

// transactional: the judges' requests, not those of idempotent producers.
func transactional(r kmsg.Request) bool {
	init, ok := r.(*kmsg.InitProducerIDRequest)
	return !ok || init.TransactionalID != nil
}

// armed is a trouble that waits for its moment.
type armed struct {
	trouble
	handle *kfake.FaultHandle
}

// trouble arms one.
func (s *sim) trouble() {
	list := troubles()
	if s.staged {
		list = append(list, stagedTroubles()...)
	}
	tr := one(s.dice, list...)
	if strings.HasPrefix(tr.name, "produce") {
		tr.fault.Partitions = []int32{s.Int32N(s.partitions)}
	}
	if tr.lost != "" {
		tr.fault.Observe = true
		tr.fault.When = func(kmsg.Request) bool {
			s.cut(tr.lost)
			return true
		}
	}
	s.arm(tr)
}

func (s *sim) arm(tr trouble) {
	s.tell("armed: %s", tr.name)
	s.armed = append(s.armed, &armed{tr, s.w.Cluster.Fault(tr.fault)})
}

// connect notes the line of an instance.
func (s *sim) connect(in *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines[in.kind] = append(s.lines[in.kind], in.line)
}

// cut breaks the connections of all parts of a kind; they may connect again.
func (s *sim) cut(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.lines[kind] {
		line.Break()
	}
}

// disarm takes back what has found no moment, and counts what has.
func (s *sim) disarm() {
	for _, a := range s.armed {
		a.handle.Remove()
		for range a.handle.Hits() {
			s.inject(a.name)
		}
	}
	s.armed = nil
}

// fatal are the errors that must not be, whatever fails.
var fatal = []string{
	"was lost or changed by hand", "did not give it to this", "decoding", "is none of this program's", "panic",
}

// autopsy looks at how an instance died.
func (s *sim) autopsy(in *instance) {
	if in.err == nil {
		return
	}
	for _, text := range fatal {
		if strings.Contains(in.err.Error(), text) {
			s.fail("%s: %v", in.name, in.err)
		}
	}
}

// grave is of an instance whose session has to end yet.
type grave struct {
	group, name string
	since       time.Time
}

// evict does for the group what the broker in memory forgets: it never ends the session
// of a member that dies while it waits for the answer to its JoinGroup.
func (s *sim) evict() {
	for len(s.graves) > 0 && time.Since(s.graves[0].since) > session+time.Second {
		g := s.graves[0]
		s.graves = s.graves[1:]
		describe := kmsg.NewPtrDescribeGroupsRequest()
		describe.Groups = []string{g.group}
		described, err := describe.RequestWith(s.t.Context(), s.w.Client())
		require.NoError(s.t, err)
		for _, m := range described.Groups[0].Members {
			if m.ClientID == g.name {
				s.tell("%s is a member still, and is removed", g.name)
				leave := kmsg.NewPtrLeaveGroupRequest()
				leave.Group = g.group
				leave.Members = []kmsg.LeaveGroupRequestMember{{MemberID: m.MemberID}}
				_, err := leave.RequestWith(s.t.Context(), s.w.Client())
				require.NoError(s.t, err)
			}
		}
	}
}
