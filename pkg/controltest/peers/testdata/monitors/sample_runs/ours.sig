A(int) B(int) C(int)
