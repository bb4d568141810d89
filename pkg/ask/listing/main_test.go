package listing_test

import (
	"os"
	"testing"

	"assay.example/assay/pkg/embedded/clickhousetest"
)

func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }
