module leakwatch.test/gowatch

go 1.19
