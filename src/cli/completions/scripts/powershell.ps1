# Completions of local-ci for PowerShell.
Register-ArgumentCompleter -Native -CommandName 'local-ci' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text }
    })
    $before = $env:LOCAL_CI_COMPLETE
    $env:LOCAL_CI_COMPLETE = 'powershell'
    try {
        # With a dot in front, because older ones of these hand on no word that is empty.
        $answer = @(& @PROGRAM@ -- $words ".$wordToComplete" 2>$null)
    } finally {
        $env:LOCAL_CI_COMPLETE = $before
    }
    # Where there is no candidate, PowerShell completes names of files by itself.
    $answer | Where-Object { $_ -and -not $_.StartsWith(':') } | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        if (-not $help) { $help = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
    }
}
