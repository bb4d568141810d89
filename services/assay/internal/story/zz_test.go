package story
import ("testing";"os";"fmt";"time"
"assay.example/assay/pkg/control";"assay.example/assay/pkg/dictionary";"assay.example/assay/pkg/oracle";"assay.example/assay/pkg/compliance")
func TestZZ(t *testing.T){
 size := Small; if os.Getenv("BIG")!="" {size=Default}
 s := New(Options{Seed:1, Size:size})
 os.WriteFile("/tmp/w/boundary.yaml", s.Boundary(), 0o644)
 d,err := dictionary.Default(); if err!=nil {t.Fatal(err)}
 b,err := control.LoadWith(os.DirFS("../../../../controls"), s.Boundary(), d)
 if err!=nil {t.Fatal(err)}
 var evs []*compliance.Event
 for e := range s.Events() { if e.Barrier==nil { ev := e.Event; evs=append(evs,&ev)} }
 want := map[string]Item{}
 for _,it := range s.Census() { want[it.Control+"|"+it.ItemID]=it }
 fmt.Println(len(evs), "events", len(want), "items")
 bad:=0
 for _,c := range b.Controls {
  st := time.Now()
  vs := oracle.Verdicts(b,c,"default",evs, compliance.Never-1)
  n:=map[string]int{}
  for _,v := range vs { n[string(v.Outcome)+"/"+v.Reason]++
   k := c.ID+"|"+v.Item.ID; w,ok := want[k]
   if !ok || w.Outcome!=v.Outcome || w.Reason!=v.Reason { bad++; if bad<30 { fmt.Println("DIFF",k,v.Outcome,v.Reason,"want",w, v.Item.Time) } }
   delete(want,k)
  }
  fmt.Println(c.ID, len(vs), n, time.Since(st))
 }
 for k,w := range want { bad++; if bad<60 {fmt.Println("MISSING",k,w)} }
 fmt.Println("bad",bad)
}
