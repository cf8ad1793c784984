await OtelcolCommand.main()
