Our own log, in MonPoly's formats; what it must say is worked out by hand.

  $ echo 'P(x) AND Q(x)' > ours_1.mfotl
  @10 (time point 0): ()
  @10 (time point 1): ()
  @40 (time point 2): ((3))
  @71 (time point 3): ()

  $ echo 'T()' > ours_2.mfotl
  @10 (time point 0): true
  @10 (time point 1): false
  @40 (time point 2): false
  @71 (time point 3): false

The step from 40 to 71 is too long.
  $ echo 'NEXT[0,30] P(x)' > ours_3.mfotl
  @10 (time point 0): ()
  @10 (time point 1): ((1),(3))
  @40 (time point 2): ()

  $ echo 'PREVIOUS[0,30] P(x)' > ours_4.mfotl
  @10 (time point 0): ()
  @10 (time point 1): ((1),(2))
  @40 (time point 2): ()
  @71 (time point 3): ()

At time point 1 there is no P(2), so that nothing since 0 holds; Q(1) at 1 holds there, and P(1) at 2 keeps it.
  $ echo 'P(x) SINCE[0,30] Q(x)' > ours_5.mfotl
  @10 (time point 0): ()
  @10 (time point 1): ((1))
  @40 (time point 2): ((1),(3))
  @71 (time point 3): ()

Both points of 10 see each other, but 0 doesn't see back to 1.
  $ echo 'ONCE[0,0] P(x)' > ours_6.mfotl
  @10 (time point 0): ((1),(2))
  @10 (time point 1): ((1),(2))
  @40 (time point 2): ((1),(3))
  @71 (time point 3): ((1))

  $ echo 'P(x) UNTIL[0,10] Q(x)' > ours_7.mfotl
  @10 (time point 0): ((1))
  @10 (time point 1): ((1))
  @40 (time point 2): ((3))

  $ echo 'P(x) OR Q(y)' > ours_8.mfotl
  The analyzed formula is NOT monitorable

  $ echo 't <- CNT x P(x)' > ours_9.mfotl
  @10 (time point 0): ((2))
