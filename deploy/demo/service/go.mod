module leakwatch.test/demo

go 1.19
