// Package period knows the periods of examinations: who opened one, closed it and
// sealed it, and which verdicts changed after that.
//
// What people did is on record as events (period.opened, period.closed, period.sealed),
// and Fold says what follows from them. A seal names a time and the hash of the report
// as of that time; since nothing on record is ever changed, anybody can make that report
// again and compare. A sealed period is never reopened: what comes later is a
// restatement, verdict by verdict.
package period
