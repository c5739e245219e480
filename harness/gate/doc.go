// Package gate decides from records alone whether one revision of the store is
// worse than another. It runs nothing: `metabench gate` makes the records.
//
// # A gate's run
//
// Every block runs each load once on every arm, in a seeded random order, each
// trial on a fresh store. The arms are builds of the store:
//
//	base            the revision to compare with
//	placebo         base with its functions in another order (the linker's -randlayout)
//	head            the revision to judge
//	again           head a second time: a pair in which nothing differs
//	planted-NAME    head with a fault that is known: one for each kind of loss
//
// What is compared is a gate: one metric of one load, as floors.yaml lists them.
// From each block comes one loss, the logarithm of new/old, turned so that a
// positive one is for the worse. Neighbours in time share the machine's mood,
// which falls out of the quotient.
//
// # Outcome
//
// The first of these that holds is what the run comes to:
//
//  1. Head answered wrongly, in a trial of head or again: regressed, whatever base
//     did. A store of head's that did not start, or ended by itself, is as bad,
//     unless one of base's did so too: then it may be the machine. A check that failed
//     ends the run with its block.
//  2. A counter that base shows is gone from head, and no commit accepts that:
//     regressed, before anything is run. What base does not show yet is untold, which
//     is no fault, and so are the gates of a loss that is accepted.
//  3. A gate regressed, and no commit accepts that: regressed. If the self-test
//     failed too, the reason says so: a large loss can hide what was planted, and the
//     other way round nobody should pass because the machine is restless.
//  4. The self-test failed: inconclusive, this machine cannot gate today.
//  5. A gate could not be decided: inconclusive.
//  6. Pass.
//
// # The rule
//
// A loss is compared with the gate's floor f, below which nobody cares. At a look of
// package infer's, whose bounds of rejection are [R-, R+] and of acceptance [A-, A+],
// and with a layout's width w, which is 0 for counts:
//
//	regressed     R- - w > F     worse by more than the floor
//	improved      R+ + w < -F    better by more than the floor
//	pass          A+ + w < F     if worse, by less than the floor
//	undecided     otherwise: more blocks until the next look
//	inconclusive  undecided at the last look
//
// F is log(1+f), or -log(1-f) of a metric of which more is better. A metric of which
// neither more nor less is better (entries per Ready) regresses on either side, each
// with half of the level, and passes when both bounds are within the floor.
//
// # Error rates
//
// Alpha is the chance that a run calls any of its gates regressed that is worse by
// no more than its floor. It is divided among the gates equally (Bonferroni), and
// among a gate's looks as infer.Looks says: the sum is Alpha whatever the dependence
// between looks and between gates. It holds for the median of the losses whatever
// their noise, and for their mean under skew, heavy tails and one outlier in 20
// blocks of up to 20 standard deviations; TestLooks in package infer has the table.
// The price is that small losses need most of the blocks.
// Two equal revisions lie a whole floor away from that error, so that they are
// called different much more rarely: `metabench gate --power` measures how rarely.
//
// Beta is the chance that a gate passes although it is worse by its floor. It is
// spent over the looks in the same way, but not divided among gates: the run
// passes only if all do (an intersection-union test), so that one which does not
// is overlooked with Beta at most, however many others there are. It allows for skew,
// not for outliers that have not been seen.
//
// Source: Berger, Multiparameter Hypothesis Testing and Acceptance Sampling,
// Technometrics 24 (1982); those of the looks are in package infer.
//
// # Layout
//
// A build is one sample of where functions lie, which moves times by a few percent
// and has nothing to do with the change. A time's loss is therefore against both
// layouts of base, their geometric mean, and the width w is half of the mean loss
// between them, without its sign: the interval reaches over those against either
// layout, so that head regresses only if it is worse than both, and passes only if it
// is not worse than either. Base's layouts are also compared with each other by the
// rule for two revisions, without width; how many gates call them different is said
// with the result. That prolongs no run. A stored run that stands in for base has no
// other layout.
//
// # Others on the machine
//
// Each trial has the machine's CPU time, of which the store's and the client's are
// known. A trial in which others took more than maxOthers of it, the hypervisor's
// steal included, gives no times: its block is left out of the gates of times of that
// load. Counts stay, for they do not mind. The result says how many blocks. The
// kernel's own figures of pressure (PSI) do not tell ours from others', and 50 clients
// on two CPUs always press.
//
// # Self-test
//
// In the same run and by the same rule head against itself must pass in every
// gate, and each planted fault must be called regressed in the gate that it is
// aimed at.
//
// Faults are planted by the build tag of package core/plant, in one build for all of
// them, and sized when it starts. A trial of head before the first block measures
// what a loss of so many floors is here and now (Rules.Size), so that a fault is above
// its floor whatever head costs: three floors of ten allocations are one, and of
// seventy five.
//
// A power study measures the gate itself: runs in which base is head, with faults of
// rising size, of which some are in one run of several only. NewPower counts false
// alarms, and how often each fault was found. Its placebo series counts false alarms
// apart for a head of the same sources in a layout of its own, a new one in each run.
//
// cmd/metabench's TestRegressions (make gate-regressions) is the gate's end to end: it
// has changes of the sources judged that are worse, and others that are harmless.
//
// # History
//
// A gate compares two revisions and overlooks what is within its floors; many small
// losses add up. Each run can add what it measured of head to a history, in which
// Steps looks for changes of level without a floor.
//
// # Steady and noisy
//
// Steady metrics are counts per operation. Their loads have a window of a number
// of operations, one client and nothing under way at the edges, so that syncs,
// entries and bytes of the log hardly vary between trials at all. Noisy ones are
// times. Only the steady can fail where nobody controls what else runs
// (Options.SteadyOnly).
package gate
