module gopage

go 1.19
