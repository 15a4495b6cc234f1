module leakwatch.test/leaker

go 1.19
