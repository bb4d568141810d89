// Package browser tests the console's pages in a real browser, on the data of the
// demonstration: signing in and out, every page that links lead to, in light and dark,
// without scripts, by keyboard, on paper and on a narrow screen, with axe-core, and how
// long each takes.
//
// Its tests have the build tag browser; scripts/browser.sh finds the browser and runs
// them.
//
//	ASSAY_TEST_BROWSER_CHROMIUM     the browser's binary
//	ASSAY_TEST_BROWSER_AXE          axe.min.js
//	ASSAY_TEST_BROWSER_SMALL        any value: the small story, for a quick look
//	ASSAY_TEST_BROWSER_PAGES        a folder for pictures of all pages, whole
//	ASSAY_TEST_BROWSER_SCREENSHOTS  a folder for those of the documentation
package browser
