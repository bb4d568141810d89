Our own log; what it must say is worked out by hand. Such a run tells only where it lists something.

  $ echo 'A(x) UNTIL[1,10] B(x)' > ours_1.mfotl
  @0 (time point 0): (1) (2)
  @1 (time point 1): (1)

  $ echo 'A(x) UNTIL[1,10] (B(x) UNTIL[1,1] C(x))' > ours_2.mfotl
  @0 (time point 0): (1)
  @1 (time point 1): (1)

Nothing says this one.
  $ echo 'A(x) AND B(x)' > ours_3.mfotl
