package story

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"assay.example/assay/pkg/compliance"
)

// repository is where the company's code is, and repositoryName its last part.
const (
	repository     = "northwind/assist"
	repositoryName = "assist"
)

// change is one change of code on its way to production: a pull request, named as
// its host names it.
type change struct {
	id, author, commit string
	n                  int
}

func components() []string { return []string{"api", "web", "assistant", "retrieval", "billing"} }

// runChanges has engineers push, get approvals and deploy.
func (w *world) runChanges() {
	s := w.scene("changes")
	times := s.occurrences(w.plan.lifeStart, w.plan.to, w.plan.changes)
	plants := s.spread(len(times),
		"self-approval", "deployed-before-approval", "self-approval", "deployed-before-approval")
	for i, at := range times {
		c := &change{id: fmt.Sprintf("%s#%d", repositoryName, 4100+i), n: 4100 + i, author: pick(s, engineers())}
		switch {
		case plants[i] == "self-approval":
			s.selfApproved(c, at)
		case plants[i] != "":
			s.approvedAfterDeploy(c, at)
		case s.chance(4):
			s.unlistedChange(c, at)
		default:
			s.approvedChange(c, at)
		}
	}
}

// push pushes a new commit of c.
func (s *scene) push(c *change, at compliance.Instant) {
	c.commit = commitOf(s.rng.Uint64())
	s.emit(vcs, "change.pushed", at, fields{
		"change_id": c.id, "commit": c.commit, "author": c.author, "repository": repository,
	})
}

// commitOf is a hash such as those of commits, 40 hex digits.
func commitOf(n uint64) string {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, n))
	return hex.EncodeToString(sum[:20])
}

func (s *scene) approveChange(c *change, at compliance.Instant, approver string) {
	s.emit(vcs, "change.approved", at, fields{"change_id": c.id, "commit": c.commit, "approver": approver})
}

func (s *scene) reviewer(c *change) string {
	return pickOther(s, append(leads(), engineers()...), c.author)
}

// approvedChange is how it should be: approved by another after the last push.
func (s *scene) approvedChange(c *change, at compliance.Instant) {
	s.push(c, at)
	for range s.upTo(span{0, 2}) {
		if s.chance(35) { // an approval that the next push makes worthless
			s.approveChange(c, at.Add(s.between(10*time.Minute, 20*time.Minute)), s.reviewer(c))
		}
		at = at.Add(s.between(30*time.Minute, 3*time.Hour))
		s.push(c, at)
	}
	at = at.Add(s.between(10*time.Minute, 4*time.Hour))
	reviewer := s.reviewer(c)
	s.approveChange(c, at, reviewer)
	if s.chance(6) {
		at = s.changeOfMind(c, at, reviewer)
	}
	s.stage(c, at.Add(s.between(7*time.Minute, 30*time.Minute)))
	at = at.Add(s.between(40*time.Minute, 20*time.Hour))
	if s.chance(92) {
		s.release(c, at)
	}
}

// changeOfMind takes an approval back and gives it again, and returns when.
func (s *scene) changeOfMind(c *change, at compliance.Instant, reviewer string) compliance.Instant {
	at = at.Add(s.between(10*time.Minute, time.Hour))
	s.emit(vcs, "change.approval_revoked", at, fields{"change_id": c.id, "approver": reviewer, "revoked_by": reviewer})
	at = at.Add(s.between(10*time.Minute, 2*time.Hour))
	s.approveChange(c, at, reviewer)
	return at
}

// release deploys c to production, now and then to two components.
func (s *scene) release(c *change, at compliance.Instant) {
	first := pick(s, components())
	if at >= s.plan.to {
		return
	}
	s.pass(CH01, s.deploy(c, at, first, "production"), at)
	second := at.Add(s.between(time.Minute, 15*time.Minute))
	if s.chance(15) && second < s.plan.to {
		s.pass(CH01, s.deploy(c, second, pickOther(s, components(), first), "production"), second)
	}
}

// stage deploys c to staging, which no control asks about.
func (s *scene) stage(c *change, at compliance.Instant) {
	if at < s.plan.to {
		s.deploy(c, at, pick(s, components()), "staging")
	}
}

func (s *scene) deploy(c *change, at compliance.Instant, component, environment string) string {
	id := fmt.Sprintf("dep-%d-%s-%s", c.n, component, environment[:4])
	s.emit(cd, "deploy.completed", at, fields{
		"deploy_id": id, "change_id": c.id, "commit": c.commit, "author": c.author,
		"component": component, "environment": environment, "emergency": false,
	})
	return id
}

// unlistedChange goes to production unapproved, with a component that lies
// outside the boundary: no item.
func (s *scene) unlistedChange(c *change, at compliance.Instant) {
	s.push(c, at)
	if at = at.Add(s.between(10*time.Minute, time.Hour)); at < s.plan.to {
		s.deploy(c, at, "handbook", "production")
	}
}

func (s *scene) selfApproved(c *change, at compliance.Instant) {
	s.push(c, at)
	at = at.Add(s.between(10*time.Minute, time.Hour))
	s.approveChange(c, at, c.author)
	at = at.Add(s.between(10*time.Minute, 2*time.Hour))
	s.plant(Planted{
		Name: "self-approval", Control: CH01, Outcome: compliance.Deviation, Reason: "self_approval",
		Why: "The change was approved by its own author and by nobody else.",
	}, s.deploy(c, at, pick(s, components()), "production"), at, false)
}

func (s *scene) approvedAfterDeploy(c *change, at compliance.Instant) {
	s.push(c, at)
	at = at.Add(s.between(10*time.Minute, 2*time.Hour))
	id := s.deploy(c, at, pick(s, components()), "production")
	s.approveChange(c, at.Add(s.between(12*time.Minute, 50*time.Minute)), s.reviewer(c))
	s.plant(Planted{
		Name: "deployed-before-approval", Control: CH01, Outcome: compliance.Deviation, Reason: "approval_after_deploy",
		Why: "The change was in production some minutes before another person approved it.",
	}, id, at, false)
}
