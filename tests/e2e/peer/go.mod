module leakwatch.test/peer

go 1.19
