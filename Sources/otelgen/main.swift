await OtelgenCommand.main()
