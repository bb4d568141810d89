P(x:int) Q(x:int) R(x:int,y:int) S(x:int,y:int,z:int) T()
publish(x:int) approve(x:int)
